"""PASS, FAIL or INCONCLUSIVE: is the candidate at least as good as the champion?

Two questions are apart. What may it accept? Its proposed threshold if the held-out cases confirm
it (`measures/certification.py`), else nothing, whatever the verdict: an operator may promote it.
Is it good enough? That is asked of the version at the threshold that it got: one that accepts
nothing can pass, and then only helps the experts.

A paired bootstrap over groups (nobody's cases are split) resamples the difference of the weighted
accuracy over the same cases. The candidate passes if, with 95% confidence, it is worse by no more
than the margin; it fails if it is worse by more with the same confidence; between the two nobody
can say. Macro-F1 and the error among the accepted, against the champion's, are guard rails. Whether
a candidate may accept much less than the champion does is for an operator to say. A first version
has no champion: it must do better than always answering the same label.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from services.evaluator import checks
from services.evaluator.checks import Check
from services.evaluator.evaluation_request import GateSettings
from services.evaluator.measures.bootstrap import EvaluatedVersion, resample
from services.evaluator.measures.certification import certify
from services.evaluator.measures.held_out import HeldOut
from shared.events import Verdict

_WORST_FIRST: tuple[Verdict, ...] = ("FAIL", "INCONCLUSIVE", "PASS")


@dataclass(frozen=True)
class GateResult:
    """`threshold` is the one that the candidate may serve with, whoever promotes it."""

    verdict: Verdict
    checks: tuple[Check, ...]
    threshold: float

    def saying(self, first: Check) -> "GateResult":
        """With what goes before all else, and decides nothing."""
        return replace(self, checks=(first, *self.checks))

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(check.reason for check in self.checks)


def judge_candidate(
    held_out: HeldOut,
    candidate: EvaluatedVersion,
    champion: EvaluatedVersion | None,
    *,
    settings: GateSettings,
    rng: np.random.Generator,
) -> GateResult:
    """The verdict is the worst one of the checks: FAIL before INCONCLUSIVE before PASS.

    `candidate` comes with its proposed threshold. Where the cases can tell nothing, or it answers
    too few of them, nothing else is asked.
    """
    certification = certify(held_out, candidate, tolerated=settings.tolerated_error)
    version = certification.version
    found = [
        checks.enough_cases(held_out, version.answers, settings),
        checks.several_labels(held_out),
        checks.answered(held_out, version, champion, settings),
    ]
    if all(check.verdict == "PASS" for check in found):
        found += _compare(held_out, version, champion, settings=settings, rng=rng)
    found.append(checks.confirmed(certification))
    verdicts = {check.verdict for check in found}
    worst = next(verdict for verdict in _WORST_FIRST if verdict in verdicts)
    return GateResult(worst, tuple(found), version.threshold)


def _compare(
    held_out: HeldOut,
    candidate: EvaluatedVersion,
    champion: EvaluatedVersion | None,
    *,
    settings: GateSettings,
    rng: np.random.Generator,
) -> Iterator[Check]:
    samples = resample(held_out, candidate, champion, rng=rng, resamples=settings.resamples)
    if champion is None:
        yield checks.better_than_constant(samples, len(held_out.labels_present))
        return
    name = champion.answers.version
    yield checks.accuracy_against(samples, name, settings.margin)
    yield checks.macro_f1_against(samples, name, settings.margin)
    yield checks.accepted_share_against(held_out, candidate, champion)
    yield checks.accepted_error_against(samples, name, settings.margin)
