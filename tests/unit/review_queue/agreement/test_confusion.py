"""Counting what two sides said, and saying in a sentence what there is to see."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.agreement.confusion import Confusion, confusion, share

PAIRS = [
    *[("APPROVED", "APPROVED")] * 1200,
    *[("DENIED", "APPROVED")] * 30,
    *[("APPROVED", "DENIED")] * 10,
    *[("DENIED", "DENIED")] * 60,
]
LABELS = ["APPROVED", "DENIED", "PENDING"]


def counted(pairs: list[tuple[str, str]]) -> Confusion:
    return confusion(pairs, labels=LABELS, rows="Experts", columns="The model")


def test_rows_are_the_left_side_and_columns_the_right_in_the_order_of_the_labels() -> None:
    found = counted(PAIRS)

    assert found.labels == ("APPROVED", "DENIED", "PENDING")
    assert found.counts == ((1200, 10, 0), (30, 60, 0), (0, 0, 0))
    assert (found.total, found.agreeing) == (1300, 1260)


def test_a_label_that_the_task_no_longer_has_is_counted_behind_the_others() -> None:
    found = counted([("REFERRED", "DENIED"), ("DENIED", "DENIED")])

    assert found.labels == ("APPROVED", "DENIED", "PENDING", "REFERRED")
    assert found.counts[3] == (0, 1, 0, 0)


@given(st.lists(st.tuples(st.text(), st.text())))
def test_no_pair_is_lost(pairs: list[tuple[str, str]]) -> None:
    assert counted(pairs).total == len(pairs)


def test_the_summary_names_where_they_are_most_often_apart() -> None:
    assert counted(PAIRS).summary == (
        "1,260 of 1,300 agree (97%); most often apart: Experts DENIED, The model APPROVED (30)."
    )


def test_the_summary_of_perfect_agreement_and_of_nothing() -> None:
    assert counted([("DENIED", "DENIED")]).summary == "1 of 1 agree (100%)."
    assert counted([]).summary == "Nothing to compare yet."


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (0, 9, "0%"),
        (1, 100_000, "1%"),
        (2, 3, "67%"),
        (99_999, 100_000, "99%"),
        (9, 9, "100%"),
        (0, 0, "0%"),
    ],
)
def test_none_and_all_are_never_rounded_to(part: int, whole: int, shown: str) -> None:
    assert share(part, whole) == shown
