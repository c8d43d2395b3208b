"""The REST API of the work itself, the same for the page, for scripts and for services.

Whoever leases, looks and decides does so with one case at a time.
"""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Response

from services.review_queue.api.assignment_schemas import (
    AssignmentView,
    Commitment,
    CommittedView,
    CorrectionView,
    Draft,
    DraftView,
    Escalation,
    Fence,
    Heartbeat,
    LeaseRequest,
    LeaseView,
    NewCorrection,
    NewNote,
    Release,
    Submission,
    SubmittedView,
)
from services.review_queue.api.fields import ReviewId
from services.review_queue.api.problems import PROBLEMS
from services.review_queue.api.state import AssignmentsDep, CorrectionsDep, LeasingDep, NotesDep
from services.review_queue.people.access import Worker
from services.review_queue.reviewing.assignments import LeaseHandle
from shared.tasks import get_task

router = APIRouter(prefix="/v1/assignments", tags=["assignments"], responses=PROBLEMS)
reviews_router = APIRouter(prefix="/v1/reviews", tags=["reviews"], responses=PROBLEMS)

_NOTHING_WAITS: dict[int | str, dict[str, object]] = {204: {"description": "No case is waiting"}}


@router.post("", status_code=201, response_model=AssignmentView, responses=_NOTHING_WAITS)
async def lease(
    caller: Worker, leasing: LeasingDep, wanted: Annotated[LeaseRequest, Body()] = LeaseRequest()
) -> AssignmentView | Response:
    """Lease the next case; 204 if nothing waits. Seniors get what is disputed first."""
    if wanted.task is not None:
        get_task(wanted.task)
    assignment = await leasing.lease(caller, task=wanted.task, priority=wanted.priority)
    if assignment is None:
        return Response(status_code=204)
    return AssignmentView.of(assignment, lease=leasing.limits.lease)


@router.get("")
async def held(caller: Worker, leasing: LeasingDep) -> list[AssignmentView]:
    """The cases that the caller holds, oldest lease first."""
    assignments = await leasing.held(caller.name)
    return [AssignmentView.of(each, lease=leasing.limits.lease) for each in assignments]


@router.post("/{assignment_id}/heartbeat")
async def heartbeat(
    assignment_id: UUID, body: Heartbeat, caller: Worker, assignments: AssignmentsDep
) -> LeaseView:
    """Prolong the lease."""
    handle = LeaseHandle(assignment_id, caller, body.token)
    return LeaseView(lease_expires_at=await assignments.heartbeat(handle, opened=body.opened))


@router.post("/{assignment_id}/commit")
async def commit(
    assignment_id: UUID,
    body: Commitment,
    caller: Worker,
    assignments: AssignmentsDep,
    leasing: LeasingDep,
) -> CommittedView:
    """Commit to an answer of one's own; then the model's, if it was hidden, can be seen."""
    await assignments.commit(LeaseHandle(assignment_id, caller, body.token), body.label)
    committed = await leasing.assignment(assignment_id, caller.name)
    return CommittedView(answer=committed.answer, reason=committed.reason)


@router.post("/{assignment_id}/submit")
async def submit(
    assignment_id: UUID, body: Submission, caller: Worker, assignments: AssignmentsDep
) -> SubmittedView:
    """Decide the case. The decision leaves once the time for undoing it is over."""
    handle = LeaseHandle(assignment_id, caller, body.token)
    submitted = await assignments.submit(handle, body.answer(), panels=tuple(body.panels))
    return SubmittedView(
        review_id=submitted.review_id,
        settles_at=submitted.settles_at,
        undo_seconds=assignments.limits.undo.total_seconds(),
    )


@router.post("/{assignment_id}/release", status_code=204)
async def release(
    assignment_id: UUID, body: Release, caller: Worker, assignments: AssignmentsDep
) -> None:
    """Give the case back undecided. It goes to others first."""
    await assignments.release(LeaseHandle(assignment_id, caller, body.token), body.reason)


@router.post("/{assignment_id}/escalate", status_code=204)
async def escalate(
    assignment_id: UUID, body: Escalation, caller: Worker, assignments: AssignmentsDep
) -> None:
    """Hand the case on to somebody senior, who has the final word."""
    await assignments.escalate(LeaseHandle(assignment_id, caller, body.token), body.reason)


@router.post("/{assignment_id}/undo")
async def undo(
    assignment_id: UUID,
    body: Fence,
    caller: Worker,
    assignments: AssignmentsDep,
    leasing: LeasingDep,
) -> AssignmentView:
    """Take the decision back before it leaves. The case is leased again, with a new token."""
    assignment = await assignments.undo(LeaseHandle(assignment_id, caller, body.token))
    return AssignmentView.of(assignment, lease=leasing.limits.lease)


@router.put("/{assignment_id}/draft", status_code=204)
async def save_draft(
    assignment_id: UUID, body: Draft, caller: Worker, assignments: AssignmentsDep
) -> None:
    """Keep what the form holds so far; also after the lease was lost."""
    await assignments.save_draft(assignment_id, caller.name, body.content)


@router.get("/{assignment_id}/draft")
async def draft(assignment_id: UUID, caller: Worker, assignments: AssignmentsDep) -> DraftView:
    """What the form held when it was last kept."""
    return DraftView(content=await assignments.draft(assignment_id, caller.name))


@reviews_router.post("/{review_id}/corrections", status_code=201)
async def correct(
    review_id: ReviewId, body: NewCorrection, caller: Worker, corrections: CorrectionsDep
) -> CorrectionView:
    """Change one's own decision after it has left, within the time for it."""
    event = await corrections.correct(review_id, body.correction(), by=caller)
    return CorrectionView(review_id=review_id, revision=event.revision)


@reviews_router.post("/{review_id}/notes", status_code=204)
async def note(review_id: ReviewId, body: NewNote, caller: Worker, notes: NotesDep) -> None:
    """Write a note that whoever has the final word and the lead can read."""
    await notes.write(review_id, body.text, by=caller)
