"""How many opinions a review gets, and which of them decides it.

A share of the reviews is seen by two reviewers, blind to each other. If they disagree, a further
one is asked (or three are from the start). If no two of the three agree, or a reviewer escalates,
a senior has the final word, with all opinions in front of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.review_queue.reviewing.opinions import GivenOpinion
from services.review_queue.reviewing.states import Kind

KINDS_IN_ORDER: tuple[Kind, ...] = ("first", "second", "further", "final")


@dataclass(frozen=True)
class SeatNeeded:
    """Another opinion is needed before the review can be settled."""

    kind: Kind


def settle_opinions(opinions: Sequence[GivenOpinion]) -> GivenOpinion | SeatNeeded:
    """The opinion that decides once every seat is answered, or the seat that is needed next.

    `opinions` has one per seat, in the order of the seats.
    """
    final_words = [opinion for opinion in opinions if opinion.kind == "final"]
    if final_words:
        return final_words[-1]
    if len(opinions) == 1:
        return opinions[0]
    return _first_shared(opinions) or SeatNeeded("further" if len(opinions) == 2 else "final")


def _first_shared(opinions: Sequence[GivenOpinion]) -> GivenOpinion | None:
    """The first opinion with which another one agrees."""
    outcomes = [opinion.answer.outcome for opinion in opinions]
    shared = (opinion for opinion in opinions if outcomes.count(opinion.answer.outcome) > 1)
    return next(shared, None)
