from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from services.evaluator.evaluation_request import GateSettings
from services.evaluator.gate import judge_candidate
from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.choice import measure_acceptance
from services.evaluator.measures.held_out import UNANSWERED, HeldOut
from services.evaluator.measures.threshold import ACCEPTS_NOTHING
from tests.unit.evaluator.simulated_versions import saying, sharp, simulate_held_out, wrong_where

GATE = GateSettings(
    margin=0.02,
    minimum_effective_cases=100,
    tolerated_error=0.05,
    unanswered_share=0.1,
    resamples=400,
)


def verdicts(
    *,
    cases: int,
    champion: float,
    candidate: float,
    both: float = 0.0,
    group_size: int = 1,
    runs: int = 100,
) -> Counter[str]:
    """Verdicts over simulated held-out sets. The versions err at these rates, in `both` together;
    a group errs as one."""
    found: Counter[str] = Counter()
    rng = np.random.default_rng(20260302)
    for _ in range(runs):
        held_out = simulate_held_out(rng, cases, group_size=group_size)

        def mistakes(rate: float) -> np.ndarray:
            groups = rng.random(cases // group_size + 1) < rate
            return groups[held_out.groups]  # noqa: B023

        common = mistakes(both)
        one = wrong_where(held_out, common | mistakes(candidate - both))
        two = wrong_where(held_out, common | mistakes(champion - both))
        found[judge_candidate(held_out, one, two, settings=GATE, rng=rng).verdict] += 1
    return found


def test_a_candidate_worse_by_twice_the_margin_passes_in_at_most_5_percent() -> None:
    found = verdicts(cases=360, champion=0.10, candidate=0.14, both=0.05, runs=250)
    assert found["PASS"] / found.total() <= 0.05


def test_so_it_is_when_the_cases_of_a_group_err_together() -> None:
    found = verdicts(cases=600, champion=0.10, candidate=0.14, both=0.05, group_size=4, runs=250)
    assert found["PASS"] / found.total() <= 0.05


def test_a_candidate_at_the_margin_passes_in_about_5_percent() -> None:
    found = verdicts(cases=360, champion=0.10, candidate=0.12, both=0.05, runs=250)
    assert found["PASS"] / found.total() <= 0.09


def test_a_clearly_better_candidate_passes_also_on_150_cases() -> None:
    found = verdicts(cases=150, champion=0.30, candidate=0.08, both=0.05)
    assert found["PASS"] / found.total() >= 0.95


def test_a_clearly_worse_candidate_fails() -> None:
    found = verdicts(cases=360, champion=0.08, candidate=0.25, both=0.05)
    assert found["FAIL"] / found.total() >= 0.95


def test_an_equal_candidate_needs_many_cases() -> None:
    few = verdicts(cases=150, champion=0.10, candidate=0.10, both=0.05)
    many = verdicts(cases=3000, champion=0.08, candidate=0.08, both=0.06, runs=30)
    assert few["INCONCLUSIVE"] / few.total() >= 0.5
    assert many["PASS"] / many.total() >= 0.9


def test_too_few_effective_cases_are_inconclusive_whatever_they_say() -> None:
    rng = np.random.default_rng(1)
    weights = np.where(rng.random(300) < 0.03, 20.0, 1.0)
    held_out = simulate_held_out(rng, 300, weights=weights)
    worse = wrong_where(held_out, np.ones(300, dtype=bool))
    found = judge_candidate(
        held_out,
        worse,
        wrong_where(held_out, np.zeros(300, dtype=bool)),
        settings=GATE,
        rng=rng,
    )
    assert found.verdict == "INCONCLUSIVE"
    assert "at least 100 are needed" in found.reasons[0]
    assert f"{(weights > 1).sum()} drawn at 5% stand for" in found.reasons[0]


def test_errors_in_cases_that_stand_for_many_weigh_more_than_others() -> None:
    rng = np.random.default_rng(1)
    rare = np.arange(800) < 200
    held_out = simulate_held_out(rng, 800, weights=np.where(rare, 6.0, 1.0))
    # A tenth of the cases but a quarter of the weight, against 15 % and 7 %.
    one = wrong_where(held_out, rare & (rng.random(800) < 0.4))
    two = wrong_where(held_out, ~rare & (rng.random(800) < 0.2))
    assert judge_candidate(held_out, one, two, settings=GATE, rng=rng).verdict == "FAIL"
    assert judge_candidate(held_out, two, one, settings=GATE, rng=rng).verdict == "PASS"


def test_many_cases_of_few_groups_are_inconclusive() -> None:
    rng = np.random.default_rng(1)
    held_out = simulate_held_out(rng, 400, group_size=40)
    fine = wrong_where(held_out, np.zeros(400, dtype=bool))
    assert judge_candidate(held_out, fine, fine, settings=GATE, rng=rng).verdict == "INCONCLUSIVE"


def test_a_loss_in_a_rare_label_fails_though_the_accuracy_holds() -> None:
    rng = np.random.default_rng(2)
    held_out = simulate_held_out(rng, 2000)
    rare = np.arange(2000) % 20 == 0
    held_out = replace(held_out, truth=np.where(rare, 2, 0))
    champion = wrong_where(held_out, ~rare & (rng.random(2000) < 0.04))
    candidate = wrong_where(held_out, rare & (rng.random(2000) < 0.5))
    found = judge_candidate(held_out, candidate, champion, settings=GATE, rng=rng)
    assert {check.name: check.verdict for check in found.checks}["accuracy"] == "PASS"
    assert found.verdict == "FAIL"


def test_a_candidate_that_is_better_but_errs_among_the_accepted_passes_and_accepts_nothing() -> (
    None
):
    rng = np.random.default_rng(3)
    held_out = simulate_held_out(rng, 1000)
    careless = EvaluatedVersion(
        saying(held_out, np.where(rng.random(1000) < 0.15, 0, held_out.truth), confidence=0.9), 0.5
    )
    champion = wrong_where(held_out, rng.random(1000) < 0.4)
    found = judge_candidate(held_out, careless, champion, settings=GATE, rng=rng)
    assert (found.verdict, found.threshold) == ("PASS", ACCEPTS_NOTHING)
    assert "accepts nothing: at 0.500" in found.reasons[-1]
    assert {check.name: check.verdict for check in found.checks} == dict.fromkeys(
        [
            *("cases", "labels", "answered"),
            *("accuracy", "macro_f1", "accepted", "accepted_error_against", "accepted_error"),
        ],
        "PASS",
    )


@pytest.mark.parametrize(
    ("threshold", "verdict"), [(1.01, "INCONCLUSIVE"), (0.99, "INCONCLUSIVE"), (0.9, "PASS")]
)
def test_a_candidate_that_accepts_much_less_than_the_champion_is_left_to_an_operator(
    threshold: float, verdict: str
) -> None:
    held_out = simulate_held_out(np.random.default_rng(10), 3000)
    answers = sharp(np.random.default_rng(11), held_out, quality=1.6, noise=0.02)
    candidate, champion = EvaluatedVersion(answers, threshold), EvaluatedVersion(answers, 0.9)
    rate, before = (
        measure_acceptance(held_out, c.answers, c.threshold)[0] for c in (candidate, champion)
    )
    found = judge_candidate(
        held_out, candidate, champion, settings=GATE, rng=np.random.default_rng(12)
    )
    assert found.verdict == verdict
    assert any(f"accepts {rate:.1%}" in r and f"{before:.1%}" in r for r in found.reasons)


def accepting(held_out: HeldOut, mistakes: np.ndarray, *, threshold: float) -> EvaluatedVersion:
    """Sure of every approval, wrongly so where it says; of nothing else."""
    approves = (held_out.truth == 0) | mistakes
    answers = saying(held_out, np.where(approves, 0, held_out.truth))
    table = np.where(approves[:, None], (0.98, 0.01, 0.01), answers.probabilities)
    return EvaluatedVersion(replace(answers, probabilities=table), threshold)


@pytest.mark.parametrize("rate", [0.051, 0.065, 0.1])
def test_a_version_that_errs_more_than_tolerated_is_allowed_to_accept_in_at_most_5_percent(
    rate: float,
) -> None:
    """6.5 % of what it accepts is wrong where 5 % is tolerated: that must not pass for chance."""
    rng, allowed, runs = np.random.default_rng(13), 0, 300
    for _ in range(runs):
        held_out = simulate_held_out(rng, 500)
        wrongly = (held_out.truth > 0) & (rng.random(500) < rate / (1 - rate))
        first = accepting(held_out, wrongly, threshold=0.9)
        found = judge_candidate(held_out, first, None, settings=replace(GATE, resamples=2), rng=rng)
        allowed += found.threshold < ACCEPTS_NOTHING
    assert allowed / runs <= 0.06  # 5 %, and chance


def test_also_by_hand_nothing_is_promoted_at_a_threshold_that_was_not_confirmed() -> None:
    """Too few cases to judge, all accepted wrongly: an operator may promote it all the same."""
    held_out = simulate_held_out(np.random.default_rng(14), 80)
    careless = EvaluatedVersion(saying(held_out, np.zeros(80, dtype=int), confidence=0.9), 0.5)
    found = judge_candidate(held_out, careless, None, settings=GATE, rng=np.random.default_rng(15))
    assert (found.verdict, found.threshold) == ("INCONCLUSIVE", ACCEPTS_NOTHING)


def test_a_confirmed_threshold_stays_as_it_was_proposed() -> None:
    held_out = simulate_held_out(np.random.default_rng(16), 500)
    first = accepting(held_out, np.zeros(500, dtype=bool), threshold=0.9)
    found = judge_candidate(held_out, first, None, settings=GATE, rng=np.random.default_rng(17))
    assert (found.verdict, found.threshold) == ("PASS", 0.9)
    assert "0.0% of the" in found.reasons[-1]


def test_a_candidate_that_errs_much_more_than_the_champion_among_the_accepted_fails() -> None:
    """Both are tolerated; the champion accepts without an error, the candidate errs in 6 %."""
    rng = np.random.default_rng(18)
    held_out, settings = simulate_held_out(rng, 3000), replace(GATE, tolerated_error=0.1)
    champion = accepting(held_out, np.zeros(3000, dtype=bool), threshold=0.9)
    candidate = accepting(held_out, (held_out.truth > 0) & (rng.random(3000) < 0.06), threshold=0.9)
    found = judge_candidate(held_out, candidate, champion, settings=settings, rng=rng)
    assert {check.name: check.verdict for check in found.checks}["accepted_error_against"] == "FAIL"
    assert found.verdict == "FAIL"


def unread(version: EvaluatedVersion, cases: np.ndarray) -> EvaluatedVersion:
    mass = np.where(cases, UNANSWERED, version.answers.label_mass)
    return version._replace(answers=replace(version.answers, label_mass=mass))


def test_a_candidate_that_answers_only_what_is_easy_is_not_better() -> None:
    """It is right about the half that it reads, the champion about 80 % of all."""
    rng = np.random.default_rng(19)
    held_out, settings = simulate_held_out(rng, 1000), replace(GATE, unanswered_share=0.6)
    champion = wrong_where(held_out, np.arange(1000) % 5 == 0)
    candidate = unread(wrong_where(held_out, np.zeros(1000, dtype=bool)), np.arange(1000) % 2 == 0)
    found = judge_candidate(held_out, candidate, champion, settings=settings, rng=rng)
    verdicts = {check.name: check.verdict for check in found.checks}
    assert (verdicts["answered"], verdicts["accuracy"], found.verdict) == ("PASS", "FAIL", "FAIL")


@pytest.mark.parametrize(("share", "verdict"), [(0.08, "PASS"), (0.12, "FAIL"), (1.0, "FAIL")])
def test_a_version_that_leaves_too_much_unanswered_fails(share: float, verdict: str) -> None:
    held_out = simulate_held_out(np.random.default_rng(20), 1000)
    whole = wrong_where(held_out, np.zeros(1000, dtype=bool))
    first = unread(whole, np.arange(1000) < share * 1000)
    found = judge_candidate(held_out, first, None, settings=GATE, rng=np.random.default_rng(21))
    assert found.verdict == verdict
    assert any(f"leaves {share:.1%} of the cases unanswered" in r for r in found.reasons)


def test_where_experts_always_said_the_same_nobody_can_say_more() -> None:
    """Also of a version that is always right, and though everything else would pass."""
    held_out = simulate_held_out(np.random.default_rng(22), 300)
    approvals = replace(held_out, truth=np.zeros(300, dtype=np.int64))
    right = wrong_where(approvals, np.zeros(300, dtype=bool))
    for champion in (None, right):
        rng = np.random.default_rng(23)
        found = judge_candidate(approvals, right, champion, settings=GATE, rng=rng)
        assert found.verdict == "INCONCLUSIVE"
        (labels,) = [check for check in found.checks if check.verdict != "PASS"]
        assert labels.reason.startswith("the experts said APPROVED of every held-out case")


def test_a_first_version_may_accept_nothing() -> None:
    held_out = simulate_held_out(np.random.default_rng(10), 300)
    first = EvaluatedVersion(
        sharp(np.random.default_rng(11), held_out, quality=2.0, noise=0.02), 1.01
    )
    assert (
        judge_candidate(held_out, first, None, settings=GATE, rng=np.random.default_rng(12)).verdict
        == "PASS"
    )


def test_a_first_version_that_always_says_the_same_does_not_pass() -> None:
    rng = np.random.default_rng(4)
    found = Counter(
        judge_candidate(
            held_out := simulate_held_out(rng, 300),
            EvaluatedVersion(saying(held_out, np.zeros(300, dtype=int)), 1.01),
            None,
            settings=GATE,
            rng=rng,
        ).verdict
        for _ in range(20)
    )
    assert found["PASS"] == 0


def test_a_first_version_that_guesses_passes_in_at_most_7_percent() -> None:
    rng = np.random.default_rng(5)
    found: Counter[str] = Counter()
    for _ in range(300):
        held_out = simulate_held_out(rng, 300)
        guesses = EvaluatedVersion(saying(held_out, rng.integers(0, 3, 300)), 1.01)
        found[judge_candidate(held_out, guesses, None, settings=GATE, rng=rng).verdict] += 1
    assert found["PASS"] / found.total() <= 0.07


@pytest.mark.parametrize("quality", [1.0, 2.0])
def test_a_first_version_that_knows_something_passes(quality: float) -> None:
    rng = np.random.default_rng(6)
    held_out = simulate_held_out(rng, 300)
    knows = EvaluatedVersion(sharp(rng, held_out, quality=quality, noise=0.04), 1.01)
    found = judge_candidate(held_out, knows, None, settings=GATE, rng=rng)
    assert found.verdict == "PASS"
    assert any("balanced accuracy" in reason for reason in found.reasons)


def test_the_same_comparison_says_the_same() -> None:
    held_out = simulate_held_out(np.random.default_rng(7), 300)
    rng = np.random.default_rng(8)
    one, two = (
        wrong_where(held_out, rng.random(300) < 0.1),
        wrong_where(held_out, rng.random(300) < 0.1),
    )
    first = judge_candidate(held_out, one, two, settings=GATE, rng=np.random.default_rng(9))
    assert judge_candidate(held_out, one, two, settings=GATE, rng=np.random.default_rng(9)) == first
