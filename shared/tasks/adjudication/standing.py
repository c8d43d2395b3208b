"""What every claim gets before anybody judges it, our edits, and what all its edits leave of it.

A claim's standing is worked out from the claim, never read from it: whoever sends one cannot state
that it was checked.
"""

from collections.abc import Iterable

from shared.tasks.adjudication.edits import run_edits
from shared.tasks.adjudication.input import ClaimInput, Edit
from shared.tasks.adjudication.policy import policy_of
from shared.tasks.fields import WORST_FIRST
from shared.tasks.task import Standing


def complete(claim: ClaimInput) -> ClaimInput:
    """A claims system that runs edits sends its own; for the others ours are run."""
    return claim if claim.edits else with_edits(claim)


def with_edits(claim: ClaimInput) -> ClaimInput:
    """The claim with the edits of its policy."""
    return claim.model_copy(update={"edits": run_edits(claim, policy_of(claim.policy_id))})


def standing_of(claim: ClaimInput) -> Standing:
    """`passed` only if every edit passed, those that the claim carries and ours, run anew."""
    outcomes = {edit.outcome for edit in (*claim.edits, *with_edits(claim).edits)}
    if "unchecked" in outcomes:
        return "unchecked"
    return "passed" if outcomes == {"pass"} else "open"


def statements(edits: Iterable[Edit]) -> tuple[tuple[str, str], ...]:
    """What the edits that did not pass say, the worst first: kinds with their outcome, and why.

    What several of them say is said once: coverage, limit unchecked.
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for edit in sorted(edits, key=lambda edit: WORST_FIRST.index(edit.outcome)):
        if edit.outcome != "pass":
            named = kinds.setdefault((edit.outcome, edit.message), [])
            named.append(edit.kind.replace("_", " "))
    return tuple((f"{', '.join(said)} {what[0]}", what[1]) for what, said in kinds.items())
