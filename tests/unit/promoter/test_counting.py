from datetime import timedelta

from services.promoter.counting import observe
from services.promoter.guard import StageCounts
from services.promoter.rollout import tick
from services.promoter.state import Rollout
from shared.events import PredictionMade, Score
from tests.support.builders.events import NOW, answers, case, score
from tests.unit.promoter.test_rollout import FINE, LATER, LIMITS, V0, V1, first, fresh, shadow


def arms(label: str = "APPROVED", confidence: float = 0.95) -> tuple[Score, ...]:
    """The champion's score and the candidate's, which says `label`."""
    candidate = score(answers(label, confidence), version=V1, label_mass=0.9, arm="candidate")
    return score(answers("APPROVED", 0.95), version=V0), candidate


def prediction(rollout: Rollout, answering: str = V0, **changes: object) -> PredictionMade:
    fields: dict[str, object] = {
        "occurred_at": NOW,
        "case": case(),
        "scores": arms(),
        "answering_version": answering,
        "arm": "champion" if answering == V0 else "candidate",
        "rollout_id": rollout.rollout_id,
        "rollout_revision": rollout.revision,
    }
    return PredictionMade.model_validate({**fields, **changes})


def adds(prediction: PredictionMade, rollout: Rollout) -> StageCounts | None:
    observation = observe(prediction, rollout)
    return observation.adds if observation else None


def canary() -> Rollout:
    return tick(shadow(), counts=FINE, limits=LIMITS, now=LATER).rollout


def test_in_shadow_a_case_counts_when_the_candidate_scored_it() -> None:
    rollout = shadow()
    assert adds(prediction(rollout), rollout) == StageCounts(
        cases=1, scored=1, label_mass=0.9, accepted=1
    )


def test_in_canary_only_a_case_that_the_candidate_answered_counts() -> None:
    rollout = canary()
    not_answered = adds(prediction(rollout, V0), rollout)
    answered = adds(prediction(rollout, V1), rollout)
    assert not_answered is not None
    assert (not_answered.cases, not_answered.scored) == (0, 1)
    assert answered is not None
    assert answered.cases == 1


def test_a_failed_candidate_is_counted_as_such() -> None:
    rollout = shadow()
    failed = prediction(rollout, scores=arms()[:1], failed_versions=(V1,))
    assert adds(failed, rollout) == StageCounts(failed=1)


def test_a_case_that_neither_version_could_read_speaks_against_none() -> None:
    rollout = shadow()
    unread = prediction(
        rollout, scores=(), answering_version=None, arm=None, failed_versions=(V0, V1)
    )
    assert adds(unread, rollout) is None


def test_a_fresh_champion_that_fails_is_counted_as_such() -> None:
    rollout = tick(canary(), counts=FINE, limits=LIMITS, now=LATER + timedelta(days=1)).rollout
    assert rollout.watched is not None
    assert (rollout.watched.name, rollout.candidate) == (V1, None)
    failed = prediction(rollout, scores=(), answering_version=None, arm=None, failed_versions=(V1,))
    assert adds(failed, rollout) == StageCounts(failed=1)
    unread = failed.model_copy(update={"failed_versions": (V1, V0)})  # nor could the last good one
    assert adds(unread, rollout) is None


def test_of_a_first_version_answered_and_failed_cases_count() -> None:
    rollout = fresh()
    answered = prediction(rollout, scores=arms()[:1])
    assert adds(answered, rollout) == StageCounts(cases=1, scored=1, label_mass=0.95, accepted=1)
    failed = prediction(rollout, scores=(), answering_version=None, arm=None, failed_versions=(V0,))
    assert adds(failed, rollout) == StageCounts(failed=1)


def test_what_it_would_accept_follows_its_own_threshold_and_never_an_adverse_label() -> None:
    rollout = shadow()
    unsure = arms(confidence=0.85)
    adverse = arms("DENIED")
    for scores in (unsure, adverse):
        counts = adds(prediction(rollout, scores=scores), rollout)
        assert counts is not None
        assert counts.accepted == 0


def test_predictions_of_another_stage_or_rollout_do_not_count() -> None:
    before = shadow()
    assert adds(prediction(before), canary()) is None
    assert adds(prediction(before, rollout_id="adjudication-rollout-9"), before) is None
    settled = first()
    assert adds(prediction(settled), settled) is None
