from decimal import Decimal
from itertools import product

from hypothesis import given as generated
from hypothesis import strategies as st

from services.review_queue.reviewing.consensus import KINDS_IN_ORDER, SeatNeeded, settle_opinions
from services.review_queue.reviewing.opinions import Answer, GivenOpinion
from services.review_queue.reviewing.states import Kind
from shared.events import Opinion
from tests.support.builders.events import NOW

LABELS = ("APPROVED", "DENIED", "PENDING")


def said(
    label: str, kind: Kind = "first", *, by: str = "amara", amount: str | None = None
) -> GivenOpinion:
    opinion = Opinion(reviewer=by, label=label, reasoning="so", decided_at=NOW, dwell_seconds=1.0)
    return GivenOpinion(kind, Answer(label, "so", Decimal(amount) if amount else None), opinion)


def test_one_opinion_stands_if_one_is_asked_for() -> None:
    only = said("DENIED")

    assert settle_opinions([only]) is only


def test_the_first_of_two_who_agree_stands() -> None:
    first, second = said("DENIED"), said("DENIED", "second")

    assert settle_opinions([first, second]) is first


def test_two_who_disagree_want_a_further_one() -> None:
    assert settle_opinions([said("DENIED"), said("APPROVED", "second")]) == SeatNeeded("further")


def test_three_of_which_two_agree_are_settled_whichever_they_are() -> None:
    for labels in product(LABELS, repeat=3):
        given = [said(label, kind) for label, kind in zip(labels, KINDS_IN_ORDER, strict=False)]
        found = settle_opinions(given)

        if len(set(labels)) == 3:
            assert found == SeatNeeded("final")
        else:
            assert isinstance(found, GivenOpinion)
            assert labels.count(found.answer.label) > 1
            assert found is given[labels.index(found.answer.label)]


def test_another_amount_is_another_outcome() -> None:
    half, third = said("APPROVED", amount="59.00"), said("APPROVED", "second", amount="39.33")

    assert settle_opinions([half, third]) == SeatNeeded("further")
    assert settle_opinions([half, said("APPROVED", "second")]) == SeatNeeded("further")
    again = said("APPROVED", "second", amount="59")
    assert settle_opinions([half, again]) is half


@generated(st.lists(st.sampled_from(LABELS), max_size=3), st.sampled_from(LABELS))
def test_the_final_word_is_final(labels: list[str], last: str) -> None:
    before = [said(label, kind) for label, kind in zip(labels, KINDS_IN_ORDER, strict=False)]
    final = said(last, "final")

    assert settle_opinions([*before, final]) is final
    assert settle_opinions([final, *before]) is final  # an escalated first seat


def test_of_two_final_words_the_last_seat_s_counts() -> None:
    first, second = said("DENIED", "final"), said("APPROVED", "final")

    assert settle_opinions([first, second]) is second
