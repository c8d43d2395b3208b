from services.evaluator.measures.baseline import Baseline
from services.evaluator.measures.held_out import HeldOut
from shared.storage.datasets import Example, Message
from shared.tasks import TASKS

TASK = TASKS["adjudication"]
WORDS = {
    "APPROVED": "the note supports the service",
    "DENIED": "the service is excluded",
    "PENDING": "records are missing",
}


def example(number: int, label: str, *, probability: float = 1.0) -> Example:
    return Example(
        case_id=f"case-{number}",
        group_id=f"group-{number // 2}",
        label=label,
        reason="import",
        source="import",
        standing="passed",
        inclusion_probability=probability,
        messages=(
            Message(role="system", content="Decide."),
            Message(role="user", content=f"claim {number}: {WORDS[label]}"),
            Message(role="assistant", content=label),
        ),
    )


def test_it_learns_from_words() -> None:
    training = [example(n, label) for n, label in enumerate(list(WORDS) * 20)]
    test = [example(n, label) for n, label in enumerate(list(WORDS) * 5, start=100)]
    answers = Baseline(training, TASK.label_names).answers(test)
    held_out = HeldOut.of(test, TASK)
    assert (answers.predicted == held_out.truth).mean() > 0.9
    assert answers.probabilities.shape == (15, len(TASK.label_names))


def test_with_one_label_it_answers_that_one() -> None:
    training = [example(n, "DENIED") for n in range(5)]
    answers = Baseline(training, TASK.label_names).answers([example(9, "APPROVED")])
    assert TASK.label_names[answers.predicted[0]] == "DENIED"


def test_held_out_cases_carry_their_weights_and_groups() -> None:
    held_out = HeldOut.of([example(n, "DENIED", probability=0.05) for n in range(4)], TASK)
    assert held_out.weights.tolist() == [20.0] * 4
    assert held_out.groups.tolist() == [0, 0, 1, 1]
    assert held_out.group_count == 2
    assert not held_out.adverse[TASK.label_names.index("APPROVED")]
