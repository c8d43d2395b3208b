"""What of a review somebody may see.

Whoever can still be asked for an opinion of his own sees nothing that would sway it: neither what
others said nor, where it is withheld, what the model said. Auditors see that and when something was
written, by whom and on which rule, and never the text: whatever people and models write of a case
may name the member.
"""

from dataclasses import replace
from typing import Any

from services.review_queue.reading.review_detail import Detail, Revision, Seat
from services.review_queue.reviewing.corrections import NotTheirs
from services.review_queue.reviewing.opinions import Answer, GivenOpinion
from shared.auth.principal import Actor
from shared.events import ReviewRequested
from shared.tasks import get_task
from shared.tasks.masking import MASK, mask_member_data


def visible(found: Detail, caller: Actor) -> Detail:
    """`NotTheirs` if the caller may see nothing of it."""
    if caller.may("read_audit"):
        return _masked(found)
    reader = caller.may("read_cases")
    own = tuple(seat for seat in found.seats if seat.given and seat.reviewer == caller.name)
    if not (reader or (own and caller.may("work"))):
        raise NotTheirs("seniors see all reviews; reviewers those that they decided")
    said = any(seat.state == "answered" for seat in own)  # and cannot be taken back
    if found.completed_at is not None or not caller.may("work") or (reader and said):
        return found
    if reader and _disputed(found):
        return _without_the_model(found) if _hides_the_model(found) else found
    return replace(
        found,
        seats=tuple(seat if seat in own else _unsaid(seat, reader=reader) for seat in found.seats),
        ended=(),
        notes=tuple(note for note in found.notes if note.author == caller.name),
        model_hidden=_hides_the_model(found) and not said,
    )


def _unsaid(seat: Seat, *, reader: bool) -> Seat:
    """Seniors see who works on what; nobody else learns who has his case besides him."""
    return replace(seat, given=None, reviewer=seat.reviewer if reader else None)


def _disputed(found: Detail) -> bool:
    """Only the final word is missing, and whoever has it reads what the others said."""
    others = (seat for seat in found.seats if seat.kind != "final")
    return all(seat.state in ("answered", "withdrawn") for seat in others)


def _hides_the_model(found: Detail) -> bool:
    return found.blind or not found.request.model_visible


def _without_the_model(found: Detail) -> Detail:
    """Nor what an answer was before the model's was seen: how it changed tells what that said."""
    return replace(
        found,
        seats=tuple(replace(seat, given=_final(seat.given)) for seat in found.seats),
        model_hidden=True,
    )


def _final(given: GivenOpinion | None) -> GivenOpinion | None:
    """What was said in the end."""
    if given is None:
        return None
    return replace(given, opinion=given.opinion.model_copy(update={"label_before": None}))


def _masked(found: Detail) -> Detail:
    return replace(
        found,
        request=_masked_request(found.request),
        seats=tuple(replace(seat, given=_masked_given(seat.given)) for seat in found.seats),
        ended=tuple(replace(each, why=each.why and MASK) for each in found.ended),
        corrections=tuple(replace(each, **_prose(each), why=MASK) for each in found.corrections),
        notes=tuple(replace(note, text=MASK) for note in found.notes),
        masked=True,
    )


def _masked_request(request: ReviewRequested) -> ReviewRequested:
    hidden = mask_member_data(get_task(request.case.task), request.case.input)
    case = request.case.model_copy(update={"input": hidden, "group_id": "hidden"})
    answer = request.answer
    if answer is not None and answer.reasoning:
        answer = answer.model_copy(update={"reasoning": MASK})
    return request.model_copy(update={"case": case, "answer": answer})


def _masked_given(given: GivenOpinion | None) -> GivenOpinion | None:
    if given is None:
        return None
    hidden = _prose(given.answer)
    opinion = given.opinion.model_copy(update=hidden)
    return replace(given, answer=replace(given.answer, **hidden), opinion=opinion)


def _prose(said: Answer | Revision) -> dict[str, Any]:
    """All that was written in words of one's own, masked; a criterion keeps where it stands."""
    quoted = said.criterion
    return {
        "reasoning": MASK,
        "clinical_basis": said.clinical_basis and MASK,
        "criterion": quoted and quoted.model_copy(update={"text": MASK}),
    }
