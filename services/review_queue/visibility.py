"""What of a review somebody may see.

Whoever can still be asked for an opinion of his own sees nothing that would sway it: neither what
others said nor, where it is withheld, what the model said.
"""

from dataclasses import replace

from services.review_queue.access import Actor
from services.review_queue.corrections import NotTheirs
from services.review_queue.details import Detail
from shared.events import ReviewRequested
from shared.tasks import get_task
from shared.tasks.masking import masked


def visible(found: Detail, caller: Actor) -> Detail:
    """`NotTheirs` if the caller may see nothing of it."""
    if caller.may("read_audit"):
        return replace(found, request=_masked(found.request), masked=True)
    reader = caller.may("read_cases")
    own = tuple(seat for seat in found.seats if seat.given and seat.reviewer == caller.name)
    if not (reader or own):
        raise NotTheirs("seniors see all reviews; reviewers those that they decided")
    said = any(seat.state == "answered" for seat in own)  # and cannot be taken back
    if found.completed_at is not None or not caller.may("work") or (reader and said):
        return found
    if reader and _disputed(found):
        return replace(found, blind=_hides_the_model(found))
    return replace(
        found,
        seats=tuple(seat if seat in own else replace(seat, given=None) for seat in found.seats),
        ended=(),
        notes=tuple(note for note in found.notes if note.author == caller.name),
        blind=_hides_the_model(found) and not said,
    )


def _disputed(found: Detail) -> bool:
    """Only the final word is missing, and whoever has it reads what the others said."""
    return all(seat.kind == "final" or seat.state == "answered" for seat in found.seats)


def _hides_the_model(found: Detail) -> bool:
    return found.withheld or not found.request.model_visible


def _masked(request: ReviewRequested) -> ReviewRequested:
    hidden = masked(get_task(request.case.task), request.case.input)
    case = request.case.model_copy(update={"input": hidden, "group_id": "hidden"})
    return request.model_copy(update={"case": case})
