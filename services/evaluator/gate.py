"""PASS, FAIL or INCONCLUSIVE: is the candidate at least as good as the champion?

A paired bootstrap over groups (nobody's cases are split) resamples the difference of the weighted
accuracy. The candidate passes if, with 95% confidence, it is worse by no more than the margin;
it fails if it is worse by more with the same confidence; between the two nobody can say. Macro-F1
and the error among the accepted are guard rails. Whether a candidate may accept much less than the
champion does is for an operator to say. A first version has no champion: it must do better than
always answering the same label.
"""

from dataclasses import dataclass

import numpy as np

from services.evaluator.evaluation_request import GateSettings
from services.evaluator.measures.bootstrap import EvaluatedVersion, Interval, Samples, resample
from services.evaluator.measures.choice import (
    accuracy,
    balanced_accuracy,
    macro_f1,
    measure_acceptance,
)
from services.evaluator.measures.held_out import Answers, HeldOut
from services.evaluator.measures.strata import describe_strata, effective_cases, stratify
from shared.events import Verdict

MINIMUM_GROUPS = 30  # a bootstrap of fewer says little
LEAST_OF_CHAMPIONS_RATE = 0.5  # thresholds scatter from split to split; this is beyond chance


@dataclass(frozen=True)
class Check:
    """One question, its answer, and why, in plain words."""

    name: str
    verdict: Verdict
    reason: str
    interval: Interval | None = None


@dataclass(frozen=True)
class GateResult:
    verdict: Verdict
    checks: tuple[Check, ...]

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
    """The verdict is the worst one: FAIL before INCONCLUSIVE before PASS."""
    enough = _check_cases(held_out, candidate.answers, settings)
    if enough.verdict != "PASS":
        return GateResult("INCONCLUSIVE", (enough,))
    samples = resample(held_out, candidate, champion, rng=rng, resamples=settings.resamples)
    if champion is None:
        checks = [enough, _check_balanced_accuracy(samples)]
    else:
        name = champion.answers.version
        checks = [
            enough,
            _check_accuracy(samples, name, settings.margin),
            _check_macro_f1(samples, name, settings.margin),
            _check_accepted_share(held_out, candidate, champion),
        ]
    checks.append(_check_accepted_error(samples, settings.tolerated_error))
    verdicts = {check.verdict for check in checks}
    worst: Verdict = "PASS"
    if "INCONCLUSIVE" in verdicts:
        worst = "INCONCLUSIVE"
    if "FAIL" in verdicts:
        worst = "FAIL"
    return GateResult(worst, tuple(checks))


def _check_cases(held_out: HeldOut, answers: Answers, settings: GateSettings) -> Check:
    strata = stratify(held_out, answers)
    size, least = effective_cases(strata), settings.minimum_effective_cases
    cases = f"{len(held_out)} held-out cases{describe_strata(strata)}"
    finding = f"{cases} count as {size:.0f} equally weighted ones"
    if size < least:
        return Check("cases", "INCONCLUSIVE", f"{finding}; at least {least:.0f} are needed")
    if held_out.group_count < MINIMUM_GROUPS:
        few = (
            f"they are of only {held_out.group_count} groups; at least {MINIMUM_GROUPS} are needed"
        )
        return Check("cases", "INCONCLUSIVE", f"{finding}, but {few}")
    return Check("cases", "PASS", finding)


def _check_accuracy(samples: Samples, champion: str, margin: float) -> Check:
    difference = samples.difference(accuracy)
    finding = f"accuracy {_points(difference.estimate)} against {champion}"
    tolerated = _points(-margin)
    if difference.low > -margin:
        reason = f"{finding}, at worst {_points(difference.low)}; up to {tolerated} is tolerated"
        return Check("accuracy", "PASS", reason, difference)
    if difference.high < -margin:
        reason = f"{finding}, at best {_points(difference.high)}; only {tolerated} is tolerated"
        return Check("accuracy", "FAIL", reason, difference)
    reason = (
        f"{finding}, somewhere from {_points(difference.low)} to {_points(difference.high)}: "
        f"too uncertain to say whether it is worse than {tolerated}"
    )
    return Check("accuracy", "INCONCLUSIVE", reason, difference)


def _check_macro_f1(samples: Samples, champion: str, margin: float) -> Check:
    """A guard rail: the estimate decides, and a clear loss is a failure."""
    difference = samples.difference(macro_f1)
    finding = f"macro-F1 {_points(difference.estimate)} against {champion}"
    if difference.estimate >= -margin:
        return Check("macro_f1", "PASS", finding, difference)
    if difference.high < -margin:
        return Check(
            "macro_f1", "FAIL", f"{finding}, at best {_points(difference.high)}", difference
        )
    return Check("macro_f1", "INCONCLUSIVE", f"{finding}, though it may be chance", difference)


def _check_accepted_share(
    held_out: HeldOut, candidate: EvaluatedVersion, champion: EvaluatedVersion
) -> Check:
    """Its errors say nothing of a version that leaves the work to the experts."""
    rate, _ = measure_acceptance(held_out, candidate.answers, candidate.threshold)
    before, _ = measure_acceptance(held_out, champion.answers, champion.threshold)
    finding = f"accepts {rate:.1%} of the cases, {champion.answers.version} {before:.1%}"
    if rate < LEAST_OF_CHAMPIONS_RATE * before:
        least = f"at least {LEAST_OF_CHAMPIONS_RATE:.0%} of that is needed"
        return Check("accepted", "INCONCLUSIVE", f"{finding}; {least}")
    return Check("accepted", "PASS", finding)


def _check_balanced_accuracy(samples: Samples) -> Check:
    """Whoever always answers the most frequent label has a balanced accuracy of 1/k."""
    balanced = samples.candidate(balanced_accuracy)
    chance = 1.0 / samples.labels_present
    finding = f"balanced accuracy {balanced.estimate:.3f} (always the same answer: {chance:.3f})"
    if balanced.low > chance:
        return Check(
            "balanced_accuracy", "PASS", f"{finding}, at worst {balanced.low:.3f}", balanced
        )
    if balanced.high < chance:
        return Check(
            "balanced_accuracy", "FAIL", f"{finding}, at best {balanced.high:.3f}", balanced
        )
    return Check("balanced_accuracy", "INCONCLUSIVE", f"{finding}, which may be chance", balanced)


def _check_accepted_error(samples: Samples, tolerated: float) -> Check:
    error = samples.accepted_error()
    if error is None:
        return Check("accepted_error", "PASS", "accepts nothing at its threshold")
    finding = (
        f"{error.estimate:.1%} of what it accepts is wrong "
        f"({error.low:.1%} to {error.high:.1%}; {tolerated:.1%} is tolerated)"
    )
    verdict: Verdict = "FAIL" if error.low > tolerated else "PASS"
    return Check("accepted_error", verdict, finding, error)


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
