"""Arms go by group, in the announced share, and the same way forever."""

from services.inference.arms import ArmAssignment, assign_arm
from shared.sampling import DrawKey
from tests.support.builders.events import KEY, rollout, served

CANARY = rollout(candidate=served("adjudication-v1.1"), stage="canary", share=0.25)


def test_without_a_candidate_and_in_shadow_the_champion_answers_all() -> None:
    shadow = rollout(candidate=served("adjudication-v1.1"), stage="shadow", share=0.0)

    assert assign_arm("g", rollout(), KEY) == ArmAssignment("champion", 1.0)
    assert assign_arm("g", shadow, KEY) == ArmAssignment("champion", 1.0)


def test_in_canary_the_candidate_answers_its_share_of_the_groups() -> None:
    arms = [assign_arm(f"group-{n}", CANARY, KEY) for n in range(4000)]
    candidates = sum(assignment.arm == "candidate" for assignment in arms)

    # A binomial of 4,000 draws at 25 %: four standard deviations are 110.
    assert abs(candidates - 1000) < 110
    assert {a.probability for a in arms if a.arm == "candidate"} == {0.25}
    assert {a.probability for a in arms if a.arm == "champion"} == {0.75}
    assert arms == [assign_arm(f"group-{n}", CANARY, KEY) for n in range(4000)]


def test_another_rollout_draws_other_groups() -> None:
    other = CANARY.model_copy(update={"rollout_id": "adjudication-r2"})
    groups = [f"group-{n}" for n in range(400)]

    arms = [[assign_arm(group, each, KEY).arm for group in groups] for each in (CANARY, other)]
    assert arms[0] != arms[1]


def test_another_key_draws_other_groups() -> None:
    """What stands in a rollout's event is not enough to foresee who gets the candidate."""
    groups = [f"group-{n}" for n in range(400)]
    keys = (KEY, DrawKey("2", b"another"))

    arms = [[assign_arm(group, CANARY, key).arm for group in groups] for key in keys]
    assert arms[0] != arms[1]
