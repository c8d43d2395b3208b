"""What this filter routed before its tables were restored from a backup keeps its route.

Its own events become rows again before any prediction is routed, and nothing leaves a second time:
a prediction that comes again finds its row. An event says less than a row has. What it does not say
stays unknown, but for what follows from the route itself: what was accepted had passed its checks,
as the first of its claim and content, or `Accept` had refused it.
"""

from collections.abc import Sequence

import asyncpg

from services.confidence_filter.outcomes import RoutedUnder
from services.confidence_filter.rows import (
    Row,
    compared_claim,
    insert_repetitions,
    insert_rows,
)
from shared.errors import Conflict, Rejected
from shared.events import DecisionMade, ReviewRequested, review_id_of
from shared.storage.database import Connection, Database
from shared.tasks import get_task
from shared.telemetry import logger

# What is said of an event that cannot be one of ours; the rest of them is restored all the same.
_UNFIT = (Rejected, Conflict, asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)


class Restoring:
    """Takes this filter's own events of before: decisions, requests, and at last the requests that
    name a repetition, so that what came first is there already."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def take_decisions(self, events: Sequence[DecisionMade]) -> None:
        """Those that a model made; the others are not ours."""
        await self._take([event for event in events if event.decided_by == "model"])

    async def take_requests(self, events: Sequence[ReviewRequested]) -> None:
        await self._take([event for event in events if event.reason != "repeated"])

    async def take_repetitions(self, events: Sequence[ReviewRequested]) -> None:
        await self._take([event for event in events if event.reason == "repeated"])

    async def _take(self, events: Sequence[DecisionMade] | Sequence[ReviewRequested]) -> None:
        rows = [row for event in events if (row := _read(event))]
        async with self.database.transaction() as connection:
            for row in sorted(rows, key=lambda row: row.claim_or_case):
                try:
                    async with connection.transaction():
                        await _insert(connection, row)
                except _UNFIT as error:
                    _report(row.case_id, error)


def _read(event: DecisionMade | ReviewRequested) -> Row | None:
    try:
        return row_of_decision(event) if isinstance(event, DecisionMade) else row_of_request(event)
    except Rejected as error:
        _report(event.key, error)
        return None


async def _insert(connection: Connection, row: Row) -> None:
    """`Conflict` if the case has another route, or another case was accepted in its place."""
    if not row.repeats_claim and await insert_rows(connection, [row]):
        return
    if row.route == "review" and await insert_repetitions(connection, [row]):
        return
    known = await connection.fetchrow(
        "SELECT route, content_sha256 FROM confidence_filter.routings WHERE case_id = $1",
        row.case_id,
    )
    if known is None or tuple(known) != (row.route, row.content_sha256):
        raise Conflict("contradicts what is known")


def row_of_decision(event: DecisionMade) -> Row:
    """The row of an accepted case; `Rejected` if this filter cannot have decided so."""
    _require(event.route_reason == "confident", field="route_reason")
    _require(event.model_version is not None, field="model_version")
    _require(event.confidence is not None, field="confidence")
    _require(event.document is None, field="document")
    _require(event.reviewer is None and not event.simulated, field="reviewer")
    if event.judged_sha256 is None:
        raise Rejected("is missing", field="judged_sha256")
    return Row(
        case_id=event.case_id,
        task=event.task,
        content_sha256=event.content_sha256,
        route="accept",
        reason="confident",
        inclusion_probability=event.inclusion_probability,
        label=event.label,
        adverse=event.adverse,
        confidence=event.confidence,
        label_mass=None,
        model_version=event.model_version,
        rollout_id=None,
        rollout_revision=None,
        standing="passed",
        claim_id=compared_claim(event.claim_id),
        attempt=1,
        judged_sha256=event.judged_sha256,
        draw_key=None,
        routed_at=event.occurred_at,
        restored=True,
    )


def row_of_request(event: ReviewRequested) -> Row:
    """The row of a case that people were asked about; `Rejected` if this filter cannot have."""
    case, answer, under = event.case, event.answer, RoutedUnder.parse(event.routing_version)
    task = get_task(case.task)
    named = task.claim_id_of(case.content, given=case.claim_id)
    _require(event.review_id == review_id_of(case.case_id), field="review_id")
    _require(event.reason == under.reason != "confident", field="reason")
    _require(event.reason == "audit" or event.inclusion_probability == 1.0, field="reason")
    _require(named == case.claim_id, field="claim_id")
    _require(event.model_visible, field="model_visible")
    if answer is not None:
        _require(answer.confidence == answer.probabilities.get(answer.label), field="answer")
    return Row(
        case_id=case.case_id,
        task=case.task,
        content_sha256=case.content_sha256,
        route="review",
        reason=event.reason,
        inclusion_probability=event.inclusion_probability,
        label=answer.label if answer else None,
        adverse=task.is_adverse(answer.label) if answer else None,
        confidence=answer.confidence if answer else None,
        label_mass=None,
        model_version=answer.version if answer else None,
        rollout_id=under.rollout_id,
        rollout_revision=under.rollout_revision,
        standing=case.standing,
        claim_id=compared_claim(case.claim_id),
        attempt=case.attempt,
        judged_sha256=case.judged_sha256,
        # Of what it repeats another nobody says, nor whether a further attempt does: see `_insert`.
        repeats_claim=event.reason == "repeated" and not case.is_further_attempt,
        draw_key=under.draw_key,
        routed_at=event.occurred_at,
        restored=True,
    )


def _require(holds: bool, *, field: str) -> None:
    if not holds:
        raise Rejected("is not as this filter says it", field=field)


def _report(case_id: str, error: Exception) -> None:
    logger.error("route not restored", case_id=case_id, kind=type(error).__name__)
