"""A queue that an earlier version filled goes on where it was: its rows mean what they meant."""

import shutil
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from services.review_queue.app import MIGRATIONS, NAME
from services.review_queue.reading.listing import Filters
from services.review_queue.reviewing.review import queue_rank_of
from shared.events import ReviewRequested
from shared.settings import EngineSettings
from shared.storage.database import Database
from tests.connected.review_queue.harness import lease_handle, running
from tests.support.builders.events import case, claim_input
from tests.support.builders.requests import requested

NOW = datetime.now(UTC)
DECIDED, REVOKED, WAITING = "case-decided", "case-revoked", "case-waiting"
UNREAD, STALE = "case-unread", "case-stale"
_REVIEWS = """
INSERT INTO review_queue.reviews (review_id, case_id, group_id, content_sha256, withheld, wanted,
    model_version, model_label, model_visible, label, standing, completed_at)
VALUES ($1, $2, $3, $4, $5, 1, 'adjudication-v1', 'DENIED', true, $6, $7, $8)
"""
_SEATS = """
INSERT INTO review_queue.seats
    (review_id, seat, kind, state, task, reason, priority, requested_at, place)
VALUES ($1, 1, 'first', $2, 'adjudication', $3, 2, $4, $5)
"""
_ASSIGNMENTS = """
INSERT INTO review_queue.assignments
    (review_id, seat, reviewer, state, lease_expires_at, ended_at, ended_why, taken_back)
VALUES ($1, 1, 'amara', $2, now(), now(), $3, $4)
"""


@pytest.fixture
async def schema_of_0007(database: str, tmp_path: Path) -> AsyncIterator[asyncpg.Connection]:
    """The schema as it was before the columns were renamed."""
    for step in sorted(MIGRATIONS.glob("*.sql"))[:7]:
        shutil.copy(step, tmp_path)
    connection = await asyncpg.connect(database)
    await connection.execute("DROP SCHEMA IF EXISTS review_queue CASCADE")
    settings = EngineSettings.model_validate({"database_url": database})
    earlier = Database(settings, schema=NAME, migrations=tmp_path)
    await earlier.open()
    await earlier.close()
    yield connection
    await connection.close()


async def fill(connection: asyncpg.Connection) -> None:
    """A decided review, one that the lead took from its reviewer, and one that waits, blind."""
    await add(connection, requested(DECIDED), state="answered", label="APPROVED")
    await add(connection, requested(REVOKED, occurred_at=NOW - timedelta(days=1)))
    await add(connection, requested(WAITING, occurred_at=NOW), withheld=True)
    await connection.execute(_ASSIGNMENTS, requested(DECIDED).review_id, "answered", None, False)
    await connection.execute(_ASSIGNMENTS, requested(REVOKED).review_id, "released", "paused", True)
    await connection.execute(
        "INSERT INTO review_queue.opinions (review_id, seat, reviewer, label, reasoning, "
        "dwell_seconds) VALUES ($1, 1, 'amara', 'APPROVED', 'it is covered', 60)",
        requested(DECIDED).review_id,
    )


async def add(
    connection: asyncpg.Connection,
    request: ReviewRequested,
    *,
    state: str = "queued",
    label: str | None = None,
    withheld: bool = False,
    reason: str = "",
) -> None:
    """Store it as the earlier version did, with the `reason` that it knew."""
    case = request.case
    await connection.execute(
        _REVIEWS,
        request.review_id,
        case.case_id,
        case.group_id,
        case.content_sha256,
        withheld,
        label,
        label and 1,
        label and NOW,
    )
    await connection.execute(
        "INSERT INTO review_queue.requests VALUES ($1, $2)",
        request.review_id,
        request.model_dump_json().replace(
            f'"reason":"{request.reason}",', f'"reason":"{reason or request.reason}",'
        ),
    )
    await connection.execute(
        _SEATS,
        request.review_id,
        state,
        "withheld" if withheld else reason or request.reason,
        request.occurred_at,
        queue_rank_of(request, 2),
    )


async def indexes(connection: asyncpg.Connection) -> set[str]:
    rows = await connection.fetch(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'review_queue'"
    )
    return {row["indexname"] for row in rows}


async def test_what_an_earlier_version_stored_is_kept(
    schema_of_0007: asyncpg.Connection, database: str
) -> None:
    await fill(schema_of_0007)
    before = await indexes(schema_of_0007)

    async with running(database) as queue:
        decided = await queue.listing.detail(requested(DECIDED).review_id)
        reasons = {count.reason for count in await queue.listing.counts()}

    assert (decided.label, decided.deciding_seat, decided.blind) == ("APPROVED", 1, False)
    assert reasons == {requested(DECIDED).reason, "blind"}
    assert before <= await indexes(schema_of_0007)


async def test_what_was_revoked_and_what_is_blind_stay_so(
    schema_of_0007: asyncpg.Connection, database: str
) -> None:
    await fill(schema_of_0007)

    async with running(database) as queue:
        # No skip, so they may have it again; and it came first.
        revoked, waiting = await queue.lease("amara"), await queue.lease("amara")

        assert [each.request.case.case_id for each in (revoked, waiting)] == [REVOKED, WAITING]
        assert (revoked.blind, waiting.blind) == (False, True)
        await queue.assignments.commit(lease_handle(waiting), "APPROVED")
        assert (await queue.leasing.assignment(waiting.assignment_id, "amara")).model_visible


async def test_a_reason_that_was_one_word_for_three_causes_is_told_apart(
    schema_of_0007: asyncpg.Connection, database: str
) -> None:
    unread = requested(UNREAD, reason="unscored", answer=None)
    stale = requested(STALE, reason="stale_version")
    await add(schema_of_0007, unread, reason="policy")
    await add(schema_of_0007, stale, reason="policy", withheld=True)

    async with running(database) as queue:
        seats = await queue.listing.page(Filters(), limit=10)
        stored = [await queue.listing.detail(each.review_id) for each in (unread, stale)]

    assert {seat.case_id: seat.reason for seat in seats} == {UNREAD: "unscored", STALE: "blind"}
    assert [each.request for each in stored] == [unread, stale]


async def test_authorization_is_read_in_its_new_spelling(
    schema_of_0007: asyncpg.Connection, database: str
) -> None:
    edit = {"rule_id": "CHO-AUT-1", "kind": "authorization", "outcome": "pend", "message": "none"}
    note = 'the form says "kind":"authorisation", nothing else'
    claim = claim_input(edits=[edit], clinical_note=note)
    request = requested(DECIDED, case=case(DECIDED, input=claim))
    await add(schema_of_0007, request, state="answered", label="PENDING")
    await schema_of_0007.execute(
        "UPDATE review_queue.requests "
        """SET body = replace(body, '"kind":"authorization"', '"kind":"authorisation"')"""
    )
    await schema_of_0007.execute(
        "INSERT INTO review_queue.opinions (review_id, seat, reviewer, label, reasoning, "
        "reason_code, dwell_seconds) "
        "VALUES ($1, 1, 'amara', 'PENDING', 'none on file', 'AUTHORISATION_MISSING', 60)",
        request.review_id,
    )

    async with running(database) as queue:
        stored = await queue.listing.detail(request.review_id)

    assert stored.request == request
    assert [opinion.reason_code for opinion in stored.opinions] == ["AUTHORIZATION_MISSING"]


async def test_audits_that_nobody_has_had_are_blind_and_in_line_from_now_on(
    schema_of_0007: asyncpg.Connection, database: str
) -> None:
    earlier = {
        name: requested(name, reason="audit", occurred_at=NOW) for name in ("waiting", "begun")
    }
    for request in earlier.values():
        await add(schema_of_0007, request)
    await schema_of_0007.execute(
        "UPDATE review_queue.seats SET priority = 3, place = requested_at WHERE reason = 'audit'"
    )
    begun = earlier["begun"].review_id
    await schema_of_0007.execute(_ASSIGNMENTS, begun, "released", "later", False)

    async with running(database) as queue:
        seats = await queue.fetch(
            "SELECT DISTINCT reason, priority, queue_rank FROM review_queue.seats"
        )
        reviews = await queue.fetch("SELECT case_id, blind FROM review_queue.reviews")

    assert [tuple(seat.values()) for seat in seats] == [("blind", 2, NOW - timedelta(hours=8))]
    assert {row["case_id"]: row["blind"] for row in reviews} == {"waiting": True, "begun": False}
