"""How reviews enter the queue: one a case, however often it is requested."""

from collections.abc import Sequence

from services.review_queue.reviews import place_of, priority_of
from shared.database import Connection, Database
from shared.errors import Conflict
from shared.events import ReviewRequested

_INSERT = """
WITH new AS (
    INSERT INTO review_queue.reviews
        (review_id, case_id, content_sha256, task, reason, priority, requested_at, place)
    SELECT review_id, case_id, content_sha256, task, reason, priority, requested_at, place
    FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::smallint[],
                $7::timestamptz[], $8::timestamptz[])
        AS t (review_id, case_id, content_sha256, task, reason, priority, requested_at, place)
    ON CONFLICT DO NOTHING
    RETURNING review_id
)
INSERT INTO review_queue.requests (review_id, body)
SELECT review_id, body FROM new JOIN unnest($1::text[], $9::text[]) AS t (review_id, body)
    USING (review_id)
"""


class Intake:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, requests: Sequence[ReviewRequested]) -> None:
        """Queue the reviews that are new; `Conflict` if a known case comes with other content."""
        first = {request.review_id: request for request in reversed(requests)}
        ordered = sorted(first.values(), key=lambda r: (r.occurred_at, r.review_id))
        async with self.database.transaction() as connection:
            await connection.execute(_INSERT, *zip(*map(_row, ordered), strict=True))
            await _refuse_other_content(connection, requests)


def _row(request: ReviewRequested) -> tuple[object, ...]:
    return (
        request.review_id,
        request.case.case_id,
        request.case.content_sha256,
        request.case.task,
        request.reason,
        priority_of(request),
        request.occurred_at,
        place_of(request),
        request.model_dump_json(),
    )


async def _refuse_other_content(
    connection: Connection, requests: Sequence[ReviewRequested]
) -> None:
    rows = await connection.fetch(
        "SELECT review_id, case_id, content_sha256 FROM review_queue.reviews "
        "WHERE review_id = ANY($1) OR case_id = ANY($2)",
        [request.review_id for request in requests],
        [request.case.case_id for request in requests],
    )
    known = {row["review_id"]: (row["case_id"], row["content_sha256"]) for row in rows}
    for request in requests:
        case = request.case
        if known.get(request.review_id) != (case.case_id, case.content_sha256):
            raise Conflict(
                f"case {case.case_id} is in review with other content or another review id; "
                "a new attempt needs a case id of its own",
                field="case.case_id",
            )
