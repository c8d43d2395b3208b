"""How reviews enter the queue: one per case, however often it is requested."""

from collections.abc import Callable, Sequence

from services.review_queue.reviewing.restoring import Restoring
from services.review_queue.reviewing.review import Shares, listed_reason, priority_of, queue_rank_of
from shared.events import ReviewRequested
from shared.sampling import DrawKey
from shared.storage.content_identity import refuse_other_content
from shared.storage.database import Connection, Database

_INSERT = """
WITH requested AS (
    SELECT * FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[],
        $7::smallint[], $8::text[], $9::text[], $10::smallint[], $11::numeric[],
        $12::timestamptz[], $13::timestamptz[], $14::text[], $15::text[], $16::boolean[],
        $17::text[], $18::text[]
    ) WITH ORDINALITY AS t (
        review_id, case_id, claim_id, group_id, content_sha256, blind, wanted,
        task, reason, priority, amount, requested_at, queue_rank,
        model_version, model_label, model_visible, body, draw_key, number)
), new AS (
    INSERT INTO review_queue.reviews (review_id, case_id, claim_id, group_id, content_sha256,
        blind, wanted, model_version, model_label, model_visible, draw_key)
    SELECT review_id, case_id, claim_id, group_id, content_sha256,
        blind, wanted, model_version, model_label, model_visible, draw_key
    FROM requested
    ON CONFLICT DO NOTHING
    RETURNING review_id
), bodies AS (
    INSERT INTO review_queue.requests (review_id, body)
    SELECT review_id, body FROM new JOIN requested USING (review_id)
)
INSERT INTO review_queue.seats
    (review_id, seat, kind, task, reason, priority, amount, requested_at, queue_rank)
SELECT review_id, seat, (ARRAY['first', 'second', 'further'])[seat],
    task, reason, priority, amount, requested_at, queue_rank
FROM new JOIN requested USING (review_id) CROSS JOIN generate_series(1, wanted) AS seat
ORDER BY number, seat
"""


class Intake:
    """`shares_of` gives the shares of a task that several reviewers see, and that are blind; which
    reviews those are is drawn by `key`. `restoring` knows what was decided before."""

    def __init__(
        self,
        database: Database,
        shares_of: Callable[[str], Shares],
        key: DrawKey,
        *,
        restoring: Restoring,
    ) -> None:
        self.database = database
        self.shares_of = shares_of
        self.key = key
        self.restoring = restoring

    async def add(self, requests: Sequence[ReviewRequested]) -> None:
        """Queue the reviews that are new; `Conflict` if a known case comes with other content."""
        first = {request.review_id: request for request in reversed(requests)}
        ordered = sorted(first.values(), key=lambda r: (r.occurred_at, r.review_id))
        async with self.database.transaction() as connection:
            await connection.execute(_INSERT, *zip(*map(self._row, ordered), strict=True))
            await _check_content(connection, requests)
            await self.restoring.restore(connection, [each.case.case_id for each in ordered])

    def _row(self, request: ReviewRequested) -> tuple[object, ...]:
        case, shares = request.case, self.shares_of(request.case.task)
        answer, blind = request.answer, shares.is_blind(request, self.key)
        priority = priority_of(request)
        return (
            request.review_id,
            case.case_id,
            case.claim_id,
            case.group_id,
            case.content_sha256,
            blind,
            shares.opinions_wanted(request.review_id, self.key),
            case.task,
            listed_reason(request, blind=blind),
            priority,
            case.amount_at_stake,
            request.occurred_at,
            queue_rank_of(request, priority),
            answer.version if answer else None,
            answer.label if answer else None,
            request.model_visible,
            request.model_dump_json(),
            self.key.version,
        )


async def _check_content(connection: Connection, requests: Sequence[ReviewRequested]) -> None:
    rows = await connection.fetch(
        "SELECT review_id, case_id, content_sha256 FROM review_queue.reviews "
        "WHERE case_id = ANY($1)",
        [request.case.case_id for request in requests],
    )
    refuse_other_content(
        ((r.case.case_id, (r.review_id, r.case.content_sha256)) for r in requests),
        {row["case_id"]: (row["review_id"], row["content_sha256"]) for row in rows},
        because="is in review with other content or another review id",
        field="case.case_id",
    )
