"""What of a review somebody may see.

Whoever can still be asked for an opinion of their own sees nothing that would sway it: neither what
others said nor, where that is hidden, what the model said. Auditors see that and when something was
written, by whom and on which rule, and never the text: whatever people and models write of a case
may name the member.
"""

from dataclasses import replace
from typing import Any

from services.review_queue.reading.review_detail import ReviewDetail, Revision, Seat
from services.review_queue.reviewing.corrections import NotTheirs
from services.review_queue.reviewing.opinions import Answer, GivenOpinion
from shared.auth.principal import Actor
from shared.events import ReviewRequested
from shared.tasks import get_task
from shared.tasks.masking import MASK, mask_member_data


def redact(review: ReviewDetail, caller: Actor) -> ReviewDetail:
    """What the caller may see of it; `NotTheirs` if that is nothing."""
    if caller.may("read_audit"):
        return _mask(review)
    reads_all = caller.may("read_cases")
    own = [seat for seat in review.seats if seat.given and seat.reviewer == caller.name]
    if not (reads_all or (own and caller.may("work"))):
        raise NotTheirs("seniors see all reviews; reviewers those that they decided")
    settled = any(seat.state == "answered" for seat in own)  # and cannot be undone
    if review.completed_at is not None or not caller.may("work") or (reads_all and settled):
        return review
    if reads_all and _lacks_only_the_final_word(review):
        return _hide_model(review) if _hides_model(review) else review
    return replace(
        review,
        seats=tuple(
            seat if seat in own else _hide_opinion(seat, holder_known=reads_all)
            for seat in review.seats
        ),
        ended=(),
        notes=tuple(note for note in review.notes if note.author == caller.name),
        model_hidden=_hides_model(review) and not settled,
    )


def _hide_opinion(seat: Seat, *, holder_known: bool) -> Seat:
    """Seniors see who works on what; nobody else learns who else has their case."""
    return replace(seat, given=None, reviewer=seat.reviewer if holder_known else None)


def _lacks_only_the_final_word(review: ReviewDetail) -> bool:
    """Then whoever has the final word reads what the others said."""
    others = (seat for seat in review.seats if seat.kind != "final")
    return all(seat.state in ("answered", "withdrawn") for seat in others)


def _hides_model(review: ReviewDetail) -> bool:
    return review.blind or not review.request.model_visible


def _hide_model(review: ReviewDetail) -> ReviewDetail:
    """Nor what an answer was before it was seen: how that changed tells what the model said."""
    return replace(
        review,
        seats=tuple(
            replace(seat, given=_without_label_before(seat.given)) for seat in review.seats
        ),
        model_hidden=True,
    )


def _without_label_before(given: GivenOpinion | None) -> GivenOpinion | None:
    if given is None:
        return None
    return replace(given, opinion=given.opinion.model_copy(update={"label_before": None}))


def _mask(review: ReviewDetail) -> ReviewDetail:
    return replace(
        review,
        request=_mask_request(review.request),
        seats=tuple(replace(seat, given=_mask_given(seat.given)) for seat in review.seats),
        ended=tuple(replace(lease, why=lease.why and MASK) for lease in review.ended),
        corrections=tuple(
            replace(revision, **_masked_prose(revision), why=MASK)
            for revision in review.corrections
        ),
        notes=tuple(replace(note, text=MASK) for note in review.notes),
        masked=True,
    )


def _mask_request(request: ReviewRequested) -> ReviewRequested:
    masked_input = mask_member_data(get_task(request.case.task), request.case.input)
    case = request.case.model_copy(update={"input": masked_input, "group_id": "hidden"})
    answer = request.answer
    if answer is not None and answer.reasoning:
        answer = answer.model_copy(update={"reasoning": MASK})
    return request.model_copy(update={"case": case, "answer": answer})


def _mask_given(given: GivenOpinion | None) -> GivenOpinion | None:
    if given is None:
        return None
    prose = _masked_prose(given.answer)
    opinion = given.opinion.model_copy(update=prose)
    return replace(given, answer=replace(given.answer, **prose), opinion=opinion)


def _masked_prose(written: Answer | Revision) -> dict[str, Any]:
    """All that was written in one's own words, masked; a criterion keeps where it stands."""
    quoted = written.criterion
    return {
        "reasoning": MASK,
        "clinical_basis": written.clinical_basis and MASK,
        "criterion": quoted and quoted.model_copy(update={"text": MASK}),
    }
