"""The table `routings`: one row per case, written together with the event that follows from it.

Whether a case is the first of its claim and of its content is the unique indexes' word, so that it
holds for any number of processes at once.
"""

from collections.abc import Sequence

from services.confidence_filter.outcomes import Routing
from services.confidence_filter.routing import Accept
from shared.messaging.outbox import Outbox
from shared.storage.content_identity import refuse_other_content
from shared.storage.database import Connection, Database
from shared.tasks import TASKS, get_task
from shared.tasks.fields import compared

_INSERT = """
INSERT INTO confidence_filter.routings
    (case_id, task, content_sha256, route, reason, inclusion_probability,
     label, adverse, confidence, label_mass, model_version, rollout_id, rollout_revision,
     standing, claim_id, attempt, judged_sha256, repeats, draw_key)
SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::float8[],
    $7::text[], $8::bool[], $9::float8[], $10::float8[], $11::text[], $12::text[], $13::int[],
    $14::text[], $15::text[], $16::int[], $17::text[], $18::bool[], $19::text[])
ON CONFLICT DO NOTHING
RETURNING case_id
"""

_DEFINE = """
INSERT INTO confidence_filter.labels (task, label, adverse)
SELECT * FROM unnest($1::text[], $2::text[], $3::bool[]) ON CONFLICT (task, label) DO NOTHING
"""


class Store:
    def __init__(self, database: Database, outbox: Outbox) -> None:
        self.database = database
        self.outbox = outbox

    async def define_labels(self) -> None:
        """Tell the database which labels of each task are adverse; `RuntimeError` if it knows one
        otherwise, because what was routed under that name meant something else."""
        labels = [
            (task.name, each.name, each.adverse) for task in TASKS.values() for each in task.labels
        ]
        async with self.database.transaction() as connection:
            await connection.execute(_DEFINE, *zip(*labels, strict=True))
            rows = await connection.fetch(
                "SELECT task, label, adverse FROM confidence_filter.labels"
            )
        known = {(row["task"], row["label"]): row["adverse"] for row in rows}
        for task, label, adverse in labels:
            if known[task, label] != adverse:
                raise RuntimeError(
                    f"the label {label} of {task} has changed whether it is against the member: "
                    "a label keeps its meaning, give the new meaning a name of its own"
                )

    async def route(self, routings: Sequence[Routing]) -> None:
        """Record the routings of new cases with their events, in one transaction.

        A case that is known stays as it was routed; `Conflict` if it now has other content. One
        that is not the first of its claim or content goes to people.
        """
        unique: dict[str, Routing] = {}
        for routing in routings:
            unique.setdefault(routing.case_id, routing)
        ordered = sorted(unique.values(), key=_claim_or_case)
        async with self.database.transaction() as connection:
            new = await _insert(connection, ordered)
            if len(new) < len(ordered):
                known = {routing.case_id for routing in new}
                left = [r.as_repeated() for r in ordered if r.case_id not in known]
                new += await _insert(connection, left)
            if len(new) < len(routings):
                await _check_content(connection, routings)
            await self.outbox.add(connection, [routing.event for routing in new])


async def _insert(connection: Connection, routings: Sequence[Routing]) -> list[Routing]:
    """Those that could be inserted: no row has their case, or is the first where they would be."""
    columns = list(zip(*(_row(routing) for routing in routings), strict=True))
    rows = await connection.fetch(_INSERT, *columns)
    inserted = {row["case_id"] for row in rows}
    return [routing for routing in routings if routing.case_id in inserted]


def _claim_or_case(routing: Routing) -> str:
    """Two processes insert in one order, so that they do not wait for each other; the cases of a
    claim stay as they came, so that the first of them is first."""
    claim_id = routing.prediction.case.claim_id
    return compared(claim_id) if claim_id else routing.case_id


def _row(routing: Routing) -> tuple[object, ...]:
    prediction, route = routing.prediction, routing.route
    case, answer = prediction.case, prediction.answer
    return (
        case.case_id,
        case.task,
        case.content_sha256,
        "accept" if isinstance(route, Accept) else "review",
        route.reason,
        route.inclusion_probability,
        answer.label if answer else None,
        get_task(case.task).is_adverse(answer.label) if answer else None,
        answer.confidence if answer else None,
        answer.label_mass if answer else None,
        answer.version if answer else None,
        prediction.rollout_id,
        prediction.rollout_revision,
        case.standing,
        compared(case.claim_id) if case.claim_id else None,  # to say which claims are the same
        case.attempt,
        case.judged_sha256,
        routing.repeats,
        routing.draw_key,
    )


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
