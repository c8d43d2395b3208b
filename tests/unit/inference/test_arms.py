"""Arms go by group, in the announced share, and the same way forever."""

from services.inference.arms import ArmAssignment, assign_arm
from tests.support.builders.events import rollout, served

CANARY = rollout(candidate=served("adjudication-v1.1"), stage="canary", share=0.25)


def test_without_a_candidate_and_in_shadow_the_champion_answers_all() -> None:
    shadow = rollout(candidate=served("adjudication-v1.1"), stage="shadow", share=0.0)

    assert assign_arm("g", rollout()) == ArmAssignment("champion", 1.0)
    assert assign_arm("g", shadow) == ArmAssignment("champion", 1.0)


def test_in_canary_the_candidate_answers_its_share_of_the_groups() -> None:
    arms = [assign_arm(f"group-{n}", CANARY) for n in range(4000)]
    candidates = sum(assignment.arm == "candidate" for assignment in arms)

    # A binomial of 4,000 draws at 25 %: four standard deviations are 110.
    assert abs(candidates - 1000) < 110
    assert {a.probability for a in arms if a.arm == "candidate"} == {0.25}
    assert {a.probability for a in arms if a.arm == "champion"} == {0.75}
    assert arms == [assign_arm(f"group-{n}", CANARY) for n in range(4000)]


def test_another_rollout_draws_other_groups() -> None:
    other = CANARY.model_copy(update={"rollout_id": "adjudication-r2"})
    groups = [f"group-{n}" for n in range(400)]

    assert [assign_arm(g, CANARY).arm for g in groups] != [assign_arm(g, other).arm for g in groups]
