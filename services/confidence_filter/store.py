"""Routes are recorded in `routings` together with the event that follows from them."""

from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence

from services.confidence_filter.outcomes import Routing
from services.confidence_filter.routing import Accept
from services.confidence_filter.rows import Row, compared_claim, insert_repetitions, insert_rows
from shared.messaging.outbox import Outbox
from shared.storage.content_identity import refuse_other_content
from shared.storage.database import Connection, Database
from shared.tasks import TASKS, get_task

_DEFINE = """
INSERT INTO confidence_filter.labels (task, label, adverse)
SELECT * FROM unnest($1::text[], $2::text[], $3::bool[]) ON CONFLICT (task, label) DO NOTHING
"""


Insert = Callable[[Connection, Sequence[Row]], Awaitable[set[str]]]


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
        async with self.database.transaction() as connection:
            new: list[Routing] = []
            for part in _one_after_the_other(unique.values()):
                new += await _route_part(connection, part)
            if len(new) < len(routings):
                await _check_content(connection, routings)
            await self.outbox.add(connection, [routing.event for routing in new])


async def _route_part(connection: Connection, part: Sequence[Routing]) -> list[Routing]:
    new = await _insert(connection, part)
    if len(new) < len(part):
        known = {routing.case_id for routing in new}
        left = [routing.as_repeated() for routing in part if routing.case_id not in known]
        new += await _insert(connection, left, insert_repetitions)
    return new


def _one_after_the_other(routings: Iterable[Routing]) -> Iterator[list[Routing]]:
    """All that have neither claim nor content in common, and behind them each of the others alone:
    what a case repeats in the same batch is there before it."""
    seen: set[tuple[str, str | None]] = set()
    together: list[Routing] = []
    behind: list[list[Routing]] = []
    for routing in routings:
        case = routing.prediction.case
        claim = compared_claim(case.claim_id)
        marks = {(case.task, case.judged_sha256), *([(case.task, claim)] if claim else [])}
        if marks & seen:
            behind.append([routing])
        else:
            together.append(routing)
        seen |= marks
    yield together
    yield from behind


async def _insert(
    connection: Connection, routings: Sequence[Routing], insert: Insert = insert_rows
) -> list[Routing]:
    inserted = await insert(connection, [_row(routing) for routing in routings])
    return [routing for routing in routings if routing.case_id in inserted]


def _row(routing: Routing) -> Row:
    prediction, route = routing.prediction, routing.route
    case, answer = prediction.case, prediction.answer
    return Row(
        case_id=case.case_id,
        task=case.task,
        content_sha256=case.content_sha256,
        route="accept" if isinstance(route, Accept) else "review",
        reason=route.reason,
        inclusion_probability=route.inclusion_probability,
        label=answer.label if answer else None,
        adverse=get_task(case.task).is_adverse(answer.label) if answer else None,
        confidence=answer.confidence if answer else None,
        label_mass=answer.label_mass if answer else None,
        model_version=answer.version if answer else None,
        rollout_id=prediction.rollout_id,
        rollout_revision=prediction.rollout_revision,
        standing=case.standing,
        claim_id=compared_claim(case.claim_id),
        attempt=case.attempt,
        judged_sha256=case.judged_sha256,
        draw_key=routing.draw_key,
        routed_at=routing.at,
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
