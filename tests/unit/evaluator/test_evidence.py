from collections.abc import Sequence

from services.evaluator.evidence import Evidence
from services.evaluator.measures.held_out import LeftOut
from shared.storage.datasets import Example, Message
from shared.tasks import TASKS

TASK = TASKS["adjudication"]


def example(number: int, note: str, *, label: str = "APPROVED", in_part: bool = False) -> Example:
    """Each has ids of its own, whatever it says."""
    return Example(
        case_id=f"case-{number}",
        group_id=f"member-{number}",
        label=label,
        reason="import",
        source="import",
        inclusion_probability=1.0,
        in_part=in_part,
        messages=(
            Message(role="system", content="Decide the claim."),
            Message(role="user", content=note),
            Message(role="assistant", content=label),
        ),
    )


def evidence(
    train: Sequence[Example] = (),
    *,
    validation: Sequence[Example] = (),
    calibration: Sequence[Example] = (),
    test: Sequence[Example],
) -> Evidence:
    return Evidence.of(TASK, train, validation=validation, calibration=calibration, test=test)


def test_one_claim_a_thousand_times_is_no_evidence() -> None:
    """In every split, under ids of its own each time."""
    copies = [example(number, "Leg pain.") for number in range(1000)]
    found = evidence(
        copies[:700],
        validation=copies[700:750],
        calibration=copies[750:850],
        test=copies[850:],
    )
    assert (found.calibration, found.test) == ([], [])
    assert found.left_out == LeftOut(150, trained=150, copies=0)


def test_what_was_learned_in_any_way_is_no_evidence_however_it_is_spaced() -> None:
    learned = [example(number, f"Note {number}.") for number in range(3)]
    test = [example(10 + number, f"note  {number}.") for number in range(3)]
    found = evidence(
        learned[:1],
        validation=learned[1:2],
        calibration=learned[2:],
        test=[*test, example(20, "Another.")],
    )
    assert [each.case_id for each in found.test] == ["case-20"]
    assert found.left_out == LeftOut(4, trained=3, copies=0)
    assert found.calibration == learned[2:]


def test_copies_among_the_held_out_count_once() -> None:
    copies = [example(number, "Leg pain.") for number in range(5)]
    found = evidence(test=[*copies, example(9, "Another.")], calibration=[])
    assert [each.case_id for each in found.test] == ["case-0", "case-9"]
    assert found.left_out == LeftOut(6, trained=0, copies=4)


def test_a_copy_with_its_lines_in_another_order_is_a_copy() -> None:
    """Or with what nobody sees in it, as exports and spreadsheets leave it."""
    learned = [example(0, "Procedures 97110, 97140. Leg pain; no relief.")]
    texts = [
        "Procedures 97140, 97110. No relief; leg pain.",
        "Procedures 97110, 97140\nLeg\u200b pain no relief",
    ]
    found = evidence(learned, test=[example(number, text) for number, text in enumerate(texts, 1)])
    assert found.left_out == LeftOut(2, trained=2, copies=0)


def test_calibration_is_not_taken_from_what_was_fitted_either() -> None:
    copies = [example(number, "Leg pain.") for number in range(5)]
    other = [example(number, "Another.") for number in range(5, 8)]
    found = evidence(copies[:1], calibration=[*copies[1:], *other], test=[])
    assert found.calibration == other[:1]
