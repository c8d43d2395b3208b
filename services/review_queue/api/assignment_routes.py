"""The REST API of the work itself, the same for the page, for scripts and for services."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body, Path, Response

from services.review_queue.api.assignment_schemas import (
    AssignmentView,
    Commitment,
    CommittedView,
    Corrected,
    CorrectionView,
    Draft,
    DraftView,
    Escalation,
    Fence,
    Heartbeat,
    LeaseView,
    NewNote,
    Problem,
    Release,
    Submission,
    SubmittedView,
    Wanted,
)
from services.review_queue.people.access import Worker
from services.review_queue.reviewing.assignments import Assignments, LeaseHandle
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.reviewing.leasing import Leasing
from services.review_queue.reviewing.notes import Notes
from shared.tasks import get_task

PROBLEMS: dict[int | str, dict[str, object]] = {
    status: {"model": Problem, "description": description}
    for status, description in {
        401: "Nobody is signed in",
        403: "The role does not allow it",
        404: "There is no such thing",
        409: "Lost, used up, or changed in between; nothing was counted",
        422: "A field is missing or wrong",
        503: "An engine is away; try again",
    }.items()
}
ReviewId = Annotated[str, Path(max_length=128, pattern=r"^[\w.:\-]+$")]


def assignment_routes(line: Leasing, work: Assignments) -> APIRouter:
    """Lease, look, decide: always one case at a time."""
    router = APIRouter(prefix="/v1/assignments", tags=["assignments"], responses=PROBLEMS)
    lease_seconds = line.limits.lease.total_seconds()
    nothing: dict[int | str, dict[str, object]] = {204: {"description": "Nothing waits"}}

    @router.post("", status_code=201, response_model=AssignmentView, responses=nothing)
    async def lease(
        caller: Worker, wanted: Annotated[Wanted, Body()] = Wanted()
    ) -> AssignmentView | Response:
        """Lease the next case; 204 if nothing waits. Seniors get what is disputed first."""
        if wanted.task is not None:
            get_task(wanted.task)
        found = await line.lease(caller, task=wanted.task, priority=wanted.priority)
        if found is None:
            return Response(status_code=204)
        return AssignmentView.of(found, lease_seconds=lease_seconds)

    @router.get("")
    async def held(caller: Worker) -> list[AssignmentView]:
        """The cases that the caller holds, oldest lease first."""
        found = await line.held(caller.name)
        return [AssignmentView.of(each, lease_seconds=lease_seconds) for each in found]

    @router.post("/{assignment_id}/heartbeat")
    async def heartbeat(assignment_id: UUID, body: Heartbeat, caller: Worker) -> LeaseView:
        """Prolong the lease."""
        hold = LeaseHandle(assignment_id, caller, body.token)
        return LeaseView(lease_expires_at=await work.heartbeat(hold, opened=body.opened))

    @router.post("/{assignment_id}/commit")
    async def commit(assignment_id: UUID, body: Commitment, caller: Worker) -> CommittedView:
        """Commit to an answer of one's own; then the model's, if it was withheld, can be seen."""
        await work.commit(LeaseHandle(assignment_id, caller, body.token), body.label)
        now = await line.assignment(assignment_id, caller.name)
        return CommittedView(answer=now.answer, reason=now.reason)

    @router.post("/{assignment_id}/submit")
    async def submit(assignment_id: UUID, body: Submission, caller: Worker) -> SubmittedView:
        """Decide the case. The decision leaves once the time for undoing it is over."""
        hold = LeaseHandle(assignment_id, caller, body.token)
        done = await work.submit(hold, body.answer(), panels=tuple(body.panels))
        return SubmittedView(
            review_id=done.review_id,
            settles_at=done.settles_at,
            undo_seconds=work.limits.undo.total_seconds(),
        )

    @router.post("/{assignment_id}/release", status_code=204)
    async def release(assignment_id: UUID, body: Release, caller: Worker) -> None:
        """Give the case back undecided. It goes to others first."""
        await work.release(LeaseHandle(assignment_id, caller, body.token), body.reason)

    @router.post("/{assignment_id}/escalate", status_code=204)
    async def escalate(assignment_id: UUID, body: Escalation, caller: Worker) -> None:
        """Hand the case on to somebody senior, who has the final word."""
        await work.escalate(LeaseHandle(assignment_id, caller, body.token), body.reason)

    @router.post("/{assignment_id}/undo")
    async def undo(assignment_id: UUID, body: Fence, caller: Worker) -> AssignmentView:
        """Take the decision back before it leaves. The case is leased again, with a new token."""
        again = await work.undo(LeaseHandle(assignment_id, caller, body.token))
        return AssignmentView.of(again, lease_seconds=lease_seconds)

    @router.put("/{assignment_id}/draft", status_code=204)
    async def save_draft(assignment_id: UUID, body: Draft, caller: Worker) -> None:
        """Keep what the form holds so far; also after the lease was lost."""
        await work.save_draft(assignment_id, caller.name, body.content)

    @router.get("/{assignment_id}/draft")
    async def draft(assignment_id: UUID, caller: Worker) -> DraftView:
        """What the form held when it was last kept."""
        return DraftView(content=await work.draft(assignment_id, caller.name))

    return router


def decision_routes(corrections: Corrections, notes: Notes) -> APIRouter:
    """What is said of a review besides its opinions."""
    router = APIRouter(prefix="/v1/reviews", tags=["reviews"], responses=PROBLEMS)

    @router.post("/{review_id}/corrections", status_code=201)
    async def correct(review_id: ReviewId, body: Corrected, caller: Worker) -> CorrectionView:
        """Change one's own decision after it has left, within the time for it."""
        event = await corrections.correct(review_id, body.correction(), by=caller)
        return CorrectionView(review_id=review_id, revision=event.revision)

    @router.post("/{review_id}/notes", status_code=204)
    async def note(review_id: ReviewId, body: NewNote, caller: Worker) -> None:
        """Write a note that whoever has the final word and the lead can read."""
        await notes.write(review_id, body.text, by=caller)

    return router
