"""What every claim gets before anybody judges it, our edits, and what all its edits leave of it.

A claim's standing is worked out from the claim, never read from it: whoever sends one cannot state
that it was checked.
"""

from collections.abc import Iterable
from datetime import date

from shared.tasks.adjudication.edits import run_edits, run_form_edits
from shared.tasks.adjudication.input import SENDER_EDITS, ClaimInput, Edit
from shared.tasks.adjudication.policy import policy_of
from shared.tasks.fields import WORST_FIRST
from shared.tasks.task import Standing


def complete(claim: ClaimInput, *, submitted_on: date | None = None) -> ClaimInput:
    """The claim with our edits first and the sender's behind them.

    Ours always run, also where the claim has some that pass for ours: those count for nothing. What
    was wrong with the form when it came in stays wrong. What a claim comes in with and we do not
    say is the sender's, whatever it calls itself.
    """
    ours = run_edits(claim, policy_of(claim.policy_id))
    if submitted_on is None:
        form = tuple(edit for edit in claim.edits if _is_wrong_form(edit))
        theirs = tuple(edit for edit in claim.edits if edit.source == "sender")
    else:
        form = run_form_edits(claim, submitted_on=submitted_on)
        theirs = _of_the_sender(claim.edits, ours=(*ours, *form))
    return claim.model_copy(update={"edits": (*ours, *form, *theirs)})


def _of_the_sender(given: Iterable[Edit], *, ours: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Those that pass for ours and fail or wait, too; as many as fit, the worst before others."""
    theirs = [
        edit.model_copy(update={"source": "sender"})
        for edit in given
        if edit.source == "sender" or (edit.outcome != "pass" and edit not in ours)
    ]
    if len(theirs) > SENDER_EDITS:
        theirs.sort(key=lambda edit: WORST_FIRST.index(edit.outcome))
    return tuple(theirs[:SENDER_EDITS])


def _is_wrong_form(edit: Edit) -> bool:
    of_the_form = edit.source == "caseloop" and edit.kind in ("completeness", "service_date")
    return of_the_form and edit.outcome != "pass"


def standing_of(claim: ClaimInput, *, submitted_on: date | None = None) -> Standing:
    """`passed` only if every edit passed, those that the claim carries and ours, run anew."""
    completed = complete(claim, submitted_on=submitted_on)
    outcomes = {edit.outcome for edit in (*claim.edits, *completed.edits)}
    if "unchecked" in outcomes:
        return "unchecked"
    return "passed" if outcomes == {"pass"} else "open"


def statements(edits: Iterable[Edit]) -> tuple[tuple[str, str], ...]:
    """What the edits that did not pass say, the worst first: kinds with their outcome, and why.

    What several of them say is said once: coverage, limit unchecked. The sender's are named so,
    unless ours say the same.
    """
    kinds: dict[tuple[str, str], list[str]] = {}
    for edit in sorted(edits, key=lambda edit: WORST_FIRST.index(edit.outcome)):
        if edit.outcome != "pass":
            named = kinds.setdefault((edit.outcome, edit.message), [])
            _name(edit, named)
    return tuple((f"{', '.join(said)} {what[0]}", what[1]) for what, said in kinds.items())


def _name(edit: Edit, named: list[str]) -> None:
    ours = edit.kind.replace("_", " ")
    name = f"sender's {ours}" if edit.source == "sender" else ours
    if not {name, ours} & set(named):
        named.append(name)
