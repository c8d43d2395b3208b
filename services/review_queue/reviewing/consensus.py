"""How many opinions a review gets, and which of them stands.

A share of the reviews is seen by two reviewers, blind to each other. If they disagree, a further
one is asked (or three are from the start); if no two of the three agree, the final word has a
senior with all opinions in front of him, as he has where a reviewer escalates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from services.review_queue.reviewing.opinions import GivenOpinion
from services.review_queue.reviewing.states import Kind

KINDS: tuple[Kind, ...] = ("first", "second", "further", "final")


@dataclass(frozen=True)
class Wanted:
    """Another opinion is needed before the review can be settled."""

    kind: Kind


def judge(given: Sequence[GivenOpinion]) -> GivenOpinion | Wanted:
    """The opinion that stands once every seat is answered, or the seat that is needed next.

    `given` has one opinion a seat, in the order of the seats.
    """
    finals = [each for each in given if each.kind == "final"]
    if finals:
        return finals[-1]
    deciding = _most_shared(given)
    if len(given) == 1 or deciding is not None:
        return deciding or given[0]
    return Wanted("further" if len(given) == 2 else "final")


def _most_shared(given: Sequence[GivenOpinion]) -> GivenOpinion | None:
    """The first opinion with which another one agrees."""
    outcomes = [each.answer.outcome for each in given]
    shared = (each for each in given if outcomes.count(each.answer.outcome) > 1)
    return next(shared, None)
