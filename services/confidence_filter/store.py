"""The table `routings`: one row per case, written together with the event that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.confidence_filter.routing import Accept, Route
from shared.events import DecisionMade, PredictionMade, ReviewRequested
from shared.messaging.outbox import Outbox
from shared.storage.content_identity import refuse_other_content
from shared.storage.database import Connection, Database
from shared.tasks import get_task

_INSERT = """
INSERT INTO confidence_filter.routings
    (case_id, task, content_sha256, route, reason, inclusion_probability,
     label, adverse, confidence, label_mass, model_version, rollout_id, rollout_revision)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[],
    $7::text[], $8::bool[], $9::float8[], $10::float8[], $11::text[], $12::text[], $13::int[])
ON CONFLICT (case_id) DO NOTHING
RETURNING case_id
"""


@dataclass(frozen=True)
class Routing:
    """A judged case and the one event that follows if the case is new."""

    prediction: PredictionMade
    route: Route
    event: DecisionMade | ReviewRequested

    @property
    def case_id(self) -> str:
        return self.prediction.case.case_id

    @property
    def row(self) -> tuple[object, ...]:
        case, answer = self.prediction.case, self.prediction.answer
        return (
            case.case_id,
            case.task,
            case.content_sha256,
            "accept" if isinstance(self.route, Accept) else "review",
            self.route.reason,
            self.route.inclusion_probability,
            answer.label if answer else None,
            get_task(case.task).is_adverse(answer.label) if answer else None,
            answer.confidence if answer else None,
            answer.label_mass if answer else None,
            answer.version if answer else None,
            self.prediction.rollout_id,
            self.prediction.rollout_revision,
        )


class Store:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self.outbox = outbox

    async def route(self, routings: Sequence[Routing]) -> None:
        """Record the routings of new cases with their events, in one transaction.

        A case that is known stays as it was routed; `Conflict` if it now has other content.
        """
        first = {routing.case_id: routing for routing in reversed(routings)}
        ordered = sorted(first.values(), key=lambda routing: routing.case_id)
        async with self.database.transaction() as connection:
            columns = list(zip(*(routing.row for routing in ordered), strict=True))
            rows = await connection.fetch(_INSERT, *columns)
            new = {row["case_id"] for row in rows}
            if len(new) < len(routings):
                await _check_content(connection, routings)
            await self.outbox.add(connection, [r.event for r in ordered if r.case_id in new])


async def _check_content(connection: Connection, routings: Sequence[Routing]) -> None:
    rows = await connection.fetch(
        "SELECT case_id, content_sha256 FROM confidence_filter.routings WHERE case_id = ANY($1)",
        [routing.case_id for routing in routings],
    )
    refuse_other_content(
        ((routing.case_id, routing.prediction.case.content_sha256) for routing in routings),
        {row["case_id"]: row["content_sha256"] for row in rows},
        because="was routed with other content",
    )
