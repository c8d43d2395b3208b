"""The gate's questions, one function each: its answer, and why, in plain words.

A question that the cases cannot settle is INCONCLUSIVE, never PASS.
"""

from dataclasses import dataclass

from services.evaluator.evaluation_request import GateSettings
from services.evaluator.measures.bootstrap import EvaluatedVersion, Interval, Samples
from services.evaluator.measures.certification import Certification
from services.evaluator.measures.choice import (
    accuracy,
    balanced_accuracy,
    macro_f1,
    measure_acceptance,
    unanswered_share,
)
from services.evaluator.measures.error_bound import AcceptedError
from services.evaluator.measures.held_out import Answers, HeldOut, LeftOut
from services.evaluator.measures.strata import describe_strata, effective_cases, stratify
from services.evaluator.measures.threshold import ACCEPTS_NOTHING
from shared.events import Verdict

MINIMUM_GROUPS = 30  # a bootstrap of fewer says little
LEAST_OF_CHAMPIONS_RATE = 0.5  # thresholds scatter from split to split; this is beyond chance


@dataclass(frozen=True)
class Check:
    """One question, its answer, and why."""

    name: str
    verdict: Verdict
    reason: str
    interval: Interval | None = None


def distinct(left_out: LeftOut) -> Check:
    """Says what is no evidence. What is left has to be enough."""
    if not left_out.trained and not left_out.copies:
        return Check("distinct", "PASS", "no held-out case repeats another or what was learned")
    finding = (
        f"{left_out.trained / left_out.cases:.1%} of the {left_out.cases} held-out cases repeat "
        f"what was learned, {left_out.copies} more repeat each other: they do not count"
    )
    return Check("distinct", "PASS", finding)


def enough_cases(held_out: HeldOut, answers: Answers, settings: GateSettings) -> Check:
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


def several_labels(held_out: HeldOut) -> Check:
    """Of one label only, nobody can see whether a version tells one from another."""
    labels = held_out.labels_present
    if len(labels) > 1:
        return Check("labels", "PASS", f"experts said {', '.join(labels[:-1])} and {labels[-1]}")
    only = f"the experts said {labels[0]} of every held-out case" if labels else "there is no label"
    reason = f"{only}: whether the version can tell labels apart is not to be seen"
    return Check("labels", "INCONCLUSIVE", reason)


def answered(
    held_out: HeldOut,
    candidate: EvaluatedVersion,
    champion: EvaluatedVersion | None,
    settings: GateSettings,
) -> Check:
    """What it does not read stays with the experts: too much of it is a failure."""
    if not len(held_out):
        return Check("answered", "INCONCLUSIVE", "there is nothing to answer")
    share = unanswered_share(held_out, candidate.answers)
    finding = f"leaves {share:.1%} of the cases unanswered"
    if champion is not None:
        before = unanswered_share(held_out, champion.answers)
        finding = f"{finding}, {champion.answers.version} {before:.1%}"
    most = settings.unanswered_share
    verdict: Verdict = "FAIL" if share > most else "PASS"
    return Check("answered", verdict, f"{finding}; up to {most:.1%} is tolerated")


def accuracy_against(samples: Samples, champion: str, margin: float) -> Check:
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


def macro_f1_against(samples: Samples, champion: str, margin: float) -> Check:
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


def accepted_share_against(
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


def better_than_constant(samples: Samples, labels: int) -> Check:
    """Whoever always answers the most frequent label has a balanced accuracy of 1/k."""
    balanced = samples.candidate(balanced_accuracy)
    chance = 1.0 / labels
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


def accepted_error_against(samples: Samples, champion: str, margin: float) -> Check:
    """A guard rail beside the bound on the error itself: a version that accepts more cases than the
    champion may err a little more often, but not clearly so beyond the margin."""
    difference = samples.accepted_error_difference()
    if difference is None:
        reason = f"it or {champion} accepts nothing: no errors to compare"
        return Check("accepted_error_against", "PASS", reason)
    finding = (
        f"error among the accepted {_points(difference.estimate)} against {champion}, "
        f"at best {_points(difference.low)}; up to {_points(margin)} is tolerated"
    )
    verdict: Verdict = "FAIL" if difference.low > margin else "PASS"
    return Check("accepted_error_against", verdict, finding, difference)


def confirmed(certification: Certification) -> Check:
    """Never against it: what is not confirmed is not accepted."""
    found, proposed = certification.found, certification.proposed.threshold
    tolerated = f"{certification.tolerated:.1%} is tolerated"
    if proposed >= ACCEPTS_NOTHING:
        reason = "accepts nothing: the calibration split has no threshold that can be confirmed"
    elif found is None:
        reason = f"accepts nothing: no held-out case reaches its threshold of {proposed:.3f}"
    elif certification.confirmed:
        reason = f"at its threshold of {proposed:.3f} {_error(found)}; {tolerated}"
    else:
        reason = f"accepts nothing: at {proposed:.3f} {_error(found)}; only {tolerated}"
    return Check("accepted_error", "PASS", reason)


def _error(found: AcceptedError) -> str:
    """The error of what is accepted, and the strata if there is more than one."""
    finding = (
        f"{found.error:.1%} of the {found.cases} cases it accepts is wrong, "
        f"at most {found.upper:.1%} with 95% confidence"
    )
    if len(found.strata) < 2:
        return finding
    descriptions = (
        f"{stratum.wrong} of {stratum.cases} drawn at {stratum.inclusion_probability:.0%}, "
        f"which stand for {stratum.share:.0%}, at most {stratum.upper:.1%}"
        for stratum in found.strata
    )
    return f"{finding} ({'; '.join(descriptions)})"


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points"
