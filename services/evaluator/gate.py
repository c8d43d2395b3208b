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

from services.evaluator.measures.bootstrap import EvaluatedVersion, Interval, Samples, resample
from services.evaluator.measures.choice import acceptance, accuracy, balanced_accuracy, macro_f1
from services.evaluator.measures.held_out import Answers, HeldOut
from services.evaluator.measures.strata import effective_cases, in_words, strata
from services.evaluator.request import GateSettings
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
class Judgment:
    verdict: Verdict
    checks: tuple[Check, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        return tuple(check.reason for check in self.checks)


def judge(
    held: HeldOut,
    candidate: EvaluatedVersion,
    champion: EvaluatedVersion | None,
    *,
    rules: GateSettings,
    rng: np.random.Generator,
) -> Judgment:
    """The verdict is the worst one: FAIL before INCONCLUSIVE before PASS."""
    enough = _enough(held, candidate.answers, rules)
    if enough.verdict != "PASS":
        return Judgment("INCONCLUSIVE", (enough,))
    samples = resample(held, candidate, champion, rng=rng, resamples=rules.resamples)
    if champion is None:
        checks = [enough, _better_than_one_answer(samples)]
    else:
        name = champion.answers.version
        checks = [
            enough,
            _not_inferior(samples, name, rules.margin),
            _f1_holds(samples, name, rules.margin),
            _accepts_enough(held, candidate, champion),
        ]
    checks.append(_tolerated(samples, rules.tolerated_error))
    verdicts = {check.verdict for check in checks}
    worst: Verdict = "PASS"
    if "INCONCLUSIVE" in verdicts:
        worst = "INCONCLUSIVE"
    if "FAIL" in verdicts:
        worst = "FAIL"
    return Judgment(worst, tuple(checks))


def _enough(held: HeldOut, answers: Answers, rules: GateSettings) -> Check:
    found = strata(held, answers)
    size, least = effective_cases(found), rules.minimum_effective_cases
    told = f"{len(held)} held-out cases{in_words(found)} count as {size:.0f} equally weighted ones"
    if size < least:
        return Check("cases", "INCONCLUSIVE", f"{told}; at least {least:.0f} are needed")
    if held.group_count < MINIMUM_GROUPS:
        few = f"they are of only {held.group_count} groups; at least {MINIMUM_GROUPS} are needed"
        return Check("cases", "INCONCLUSIVE", f"{told}, but {few}")
    return Check("cases", "PASS", told)


def _not_inferior(samples: Samples, champion: str, margin: float) -> Check:
    both = samples.difference(accuracy)
    told = f"accuracy {_points(both.estimate)} against {champion}"
    if both.low > -margin:
        reason = f"{told}, at worst {_points(both.low)}; up to {_points(-margin)} is tolerated"
        return Check("accuracy", "PASS", reason, both)
    if both.high < -margin:
        reason = f"{told}, at best {_points(both.high)}; only {_points(-margin)} is tolerated"
        return Check("accuracy", "FAIL", reason, both)
    reason = (
        f"{told}, somewhere from {_points(both.low)} to {_points(both.high)}: "
        f"too uncertain to say whether it is worse than {_points(-margin)}"
    )
    return Check("accuracy", "INCONCLUSIVE", reason, both)


def _f1_holds(samples: Samples, champion: str, margin: float) -> Check:
    """A guard rail: the estimate decides, and a clear loss is a failure."""
    both = samples.difference(macro_f1)
    told = f"macro-F1 {_points(both.estimate)} against {champion}"
    if both.estimate >= -margin:
        return Check("macro_f1", "PASS", told, both)
    if both.high < -margin:
        return Check("macro_f1", "FAIL", f"{told}, at best {_points(both.high)}", both)
    return Check("macro_f1", "INCONCLUSIVE", f"{told}, though it may be chance", both)


def _accepts_enough(
    held: HeldOut, candidate: EvaluatedVersion, champion: EvaluatedVersion
) -> Check:
    """Its errors say nothing of a version that leaves the work to the experts."""
    rate, _ = acceptance(held, candidate.answers, candidate.threshold)
    before, _ = acceptance(held, champion.answers, champion.threshold)
    told = f"accepts {rate:.1%} of the cases, {champion.answers.version} {before:.1%}"
    if rate < LEAST_OF_CHAMPIONS_RATE * before:
        least = f"at least {LEAST_OF_CHAMPIONS_RATE:.0%} of that is needed"
        return Check("accepted", "INCONCLUSIVE", f"{told}; {least}")
    return Check("accepted", "PASS", told)


def _better_than_one_answer(samples: Samples) -> Check:
    """Whoever always answers the most frequent label has a balanced accuracy of 1/k."""
    found = samples.candidate(balanced_accuracy)
    chance = 1.0 / samples.labels_present
    told = f"balanced accuracy {found.estimate:.3f} (always the same answer: {chance:.3f})"
    if found.low > chance:
        return Check("balanced_accuracy", "PASS", f"{told}, at worst {found.low:.3f}", found)
    if found.high < chance:
        return Check("balanced_accuracy", "FAIL", f"{told}, at best {found.high:.3f}", found)
    return Check("balanced_accuracy", "INCONCLUSIVE", f"{told}, which may be chance", found)


def _tolerated(samples: Samples, tolerated: float) -> Check:
    found = samples.accepted_error()
    if found is None:
        return Check("accepted_error", "PASS", "accepts nothing at its threshold")
    told = (
        f"{found.estimate:.1%} of what it accepts is wrong "
        f"({found.low:.1%} to {found.high:.1%}; {tolerated:.1%} is tolerated)"
    )
    verdict: Verdict = "FAIL" if found.low > tolerated else "PASS"
    return Check("accepted_error", verdict, told, found)


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
