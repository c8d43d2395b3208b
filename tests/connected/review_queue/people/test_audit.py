"""The audit trail: one entry an action, with whom and from where, that nobody changes."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest

from services.review_queue.people.audit import AuditEntry
from services.review_queue.people.users import WrongPassword
from services.review_queue.reviewing.assignments import LeaseHandle
from services.review_queue.reviewing.opinions import Answer, Correction
from services.review_queue.reviewing.review import Shares
from shared.auth.principal import Person
from shared.errors import Conflict, Rejected, Transient
from shared.events import review_id_of
from tests.connected.review_queue.harness import (
    ADDRESS,
    APPROVED,
    DENIED,
    Queue,
    actor,
    lease_handle,
)

REVIEW = review_id_of("case-1")


async def new_entries(queue: Queue, act: Callable[[], Awaitable[object]]) -> list[AuditEntry]:
    """What an action adds to the trail."""
    before = len(await queue.entries())
    await act()
    return (await queue.entries())[before:]


def told(entry: AuditEntry) -> tuple[str, str, str | None]:
    assert entry.address == ADDRESS
    return entry.action, f"{entry.role} {entry.actor}", entry.review_id


async def test_every_step_of_the_work_leaves_one_entry(queue: Queue) -> None:
    queue.shares = Shares(overlap=0.0, blind=1.0)
    await queue.request("case-1")
    held: list[LeaseHandle] = []

    async def lease() -> None:
        held.append(lease_handle(await queue.lease()))

    async def undo() -> None:
        held.append(lease_handle(await queue.assignments.undo(held[-1])))

    steps: dict[str, Callable[[], Awaitable[object]]] = {
        "leased": lease,
        "opened": lambda: queue.assignments.heartbeat(held[-1], opened=True),
        "noted": lambda: queue.notes.write(REVIEW, "a note", by=actor()),
        "committed": lambda: queue.assignments.commit(held[-1], "DENIED"),
        "submitted": lambda: queue.assignments.submit(held[-1], DENIED),
        "undone": undo,
        "released": lambda: queue.assignments.release(held[-1], "outside my field"),
    }
    for action, act in steps.items():
        (entry,) = await new_entries(queue, act)
        assert told(entry) == (action, "adjudicator amara", REVIEW)


async def test_what_ends_a_review_leaves_one_entry_too(queue: Queue) -> None:
    await queue.request("case-1")
    amara = lease_handle(await queue.lease())

    (entry,) = await new_entries(queue, lambda: queue.assignments.escalate(amara, "beyond me"))
    assert told(entry) == ("escalated", "adjudicator amara", REVIEW)
    await queue.answer("sam", DENIED)
    assert await new_entries(queue, queue.settle) == []  # nobody did that
    changed = Correction(APPROVED, "records came", 0)
    (entry,) = await new_entries(
        queue, lambda: queue.corrections.correct(REVIEW, changed, by=actor("sam"))
    )
    assert told(entry) == ("corrected", "senior sam", REVIEW)
    assert entry.details == {"revision": 1}


async def test_the_first_look_is_an_entry_and_beating_on_is_none(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())

    assert await new_entries(queue, lambda: queue.assignments.heartbeat(held, opened=False)) == []
    assert (
        len(await new_entries(queue, lambda: queue.assignments.heartbeat(held, opened=True))) == 1
    )
    assert await new_entries(queue, lambda: queue.assignments.heartbeat(held, opened=True)) == []


async def test_accounts_leave_entries(queue: Queue) -> None:
    users = queue.accounts

    (entry,) = await new_entries(
        queue, lambda: users.create("amara", "adjudicator", by=actor("olga"))
    )
    assert told(entry) == ("user_created", "operator olga", None)
    assert entry.details == {"user": "amara", "as_": "adjudicator"}

    async def fail(name: str) -> None:
        with pytest.raises(WrongPassword):
            await users.sign_in(name, "not-the-password", address=ADDRESS)

    (entry,) = await new_entries(queue, lambda: fail("amara"))
    assert told(entry) == ("sign_in_failed", "adjudicator amara", None)
    (entry,) = await new_entries(queue, lambda: fail("mallory"))
    assert told(entry) == ("sign_in_failed", "nobody unknown", None)
    password = await users.reset_password("amara", by=actor("olga"))
    assert told((await queue.entries())[-1]) == ("password_reset", "operator olga", None)
    session = await users.sign_in("amara", password, address=ADDRESS)
    assert (await queue.entries())[-1].details == {"one_time_password": True}
    assert told((await queue.entries())[-1]) == ("signed_in", "adjudicator amara", None)
    (entry,) = await new_entries(queue, lambda: users.sign_out(session.token, by=actor()))
    assert told(entry) == ("signed_out", "adjudicator amara", None)
    assert password not in str(await queue.entries())


async def test_pausing_tells_which_cases_were_withdrawn(queue: Queue) -> None:
    await queue.employ("amara")
    await queue.request("case-1", "case-2")
    for _ in range(2):
        await queue.lease()

    entries = await new_entries(
        queue, lambda: queue.reviewers.pause("amara", "training day", by=actor("lee"))
    )

    assert told(entries[0]) == ("reviewer_paused", "lead lee", None)
    assert entries[0].details == {"reviewer": "amara"}
    assert {told(entry) for entry in entries[1:]} == {
        ("withdrawn", "lead lee", review_id_of(name)) for name in ("case-1", "case-2")
    }
    (entry,) = await new_entries(queue, lambda: queue.reviewers.resume("amara", by=actor("lee")))
    assert told(entry) == ("reviewer_resumed", "lead lee", None)


async def test_what_was_refused_leaves_no_entry(queue: Queue) -> None:
    await queue.employ("amara")
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    stale = replace(held, token=held.token + 1)
    work, by = queue.assignments, actor("lee")
    refused: list[Callable[[], Awaitable[object]]] = [
        lambda: work.submit(held, Answer("PAID", "so")),
        lambda: work.submit(held, replace(DENIED, criterion=None)),
        lambda: work.submit(stale, DENIED),
        lambda: work.heartbeat(stale, opened=True),
        lambda: work.commit(stale, "DENIED"),
        lambda: work.release(stale, "so"),
        lambda: work.escalate(stale, "so"),
        lambda: work.undo(held),
        lambda: queue.corrections.correct(REVIEW, Correction(DENIED, "so", 0), by=actor()),
        lambda: queue.notes.write(REVIEW, "so", by=actor("bo")),
        lambda: queue.reviewers.pause("nobody", "so", by=by),
        lambda: queue.reviewers.resume("amara", by=by),
        lambda: queue.accounts.create("amara", "lead", by=actor("olga")),
    ]

    for act in refused:

        async def refuse(act: Callable[[], Awaitable[object]] = act) -> None:
            with pytest.raises(Rejected):
                await act()

        assert await new_entries(queue, refuse) == []


async def test_an_empty_line_leaves_no_entry(queue: Queue) -> None:
    assert await new_entries(queue, lambda: queue.leasing.lease(actor())) == []


async def test_a_failed_transaction_leaves_no_entry(queue: Queue) -> None:
    """The entry is written before the transaction fails, and goes with it."""
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.fetch(
        "CREATE FUNCTION review_queue.fail() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = 'disk_full'; END $$"
    )
    await queue.fetch(
        "CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON review_queue.opinions "
        "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION review_queue.fail()"
    )

    async def submit() -> None:
        with pytest.raises(Transient, match="DiskFullError"):
            await queue.assignments.submit(held, DENIED)

    assert await new_entries(queue, submit) == []
    assert await queue.states() == {"case-1": "leased"}


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE review_queue.audit SET actor = 'somebody'",
        "UPDATE review_queue.audit SET actor = 'somebody' WHERE false",
        "DELETE FROM review_queue.audit",
        "TRUNCATE review_queue.audit",
        "INSERT INTO review_queue.audit OVERRIDING SYSTEM VALUE "
        "SELECT * FROM review_queue.audit ON CONFLICT (entry_id) DO UPDATE SET actor = 'x'",
        "MERGE INTO review_queue.audit AS a USING (SELECT 1) AS b ON true WHEN MATCHED THEN DELETE",
    ],
)
async def test_the_database_refuses_to_change_it(queue: Queue, statement: str) -> None:
    await queue.request("case-1")
    await queue.lease()
    before = await queue.entries()

    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await queue.fetch(statement)

    assert before
    assert await queue.entries() == before


async def test_nor_to_change_it_as_a_replica(queue: Queue) -> None:
    """In that role the usual triggers keep still."""
    async with queue.database.transaction() as connection:
        await connection.execute("SET LOCAL session_replication_role = replica")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("DELETE FROM review_queue.audit")


async def test_a_role_without_the_right_can_only_add(queue: Queue) -> None:
    """The service's own role has neither the trigger nor the grant on its side."""
    role = f"a_service_{uuid4().hex}"  # roles are the server's, and not of one database
    await queue.fetch(f"CREATE ROLE {role}")
    rows = await queue.fetch(
        "SELECT privilege, has_table_privilege($1, 'review_queue.audit', privilege) "
        "FROM unnest(ARRAY['UPDATE', 'DELETE', 'TRUNCATE']) AS privilege",
        role,
    )
    await queue.fetch(f"DROP ROLE {role}")

    assert not any(row["has_table_privilege"] for row in rows)


async def test_the_trail_is_read_page_by_page_and_filtered(queue: Queue) -> None:
    for number in range(5):
        await queue.decide(f"case-{number}", APPROVED, reviewer=f"reviewer-{number % 2}")

    everything = list(await queue.trail.page(before=2**63 - 1, limit=100))
    paged: list[AuditEntry] = []
    while page := await queue.trail.page(
        before=paged[-1].entry_id if paged else 2**63 - 1, limit=3
    ):
        paged += page

    assert paged == everything
    assert len(everything) == 10

    async def found(**wanted: str) -> list[AuditEntry]:
        return list(await queue.trail.page(before=2**63 - 1, limit=100, **wanted))  # type: ignore[arg-type]

    assert {e.actor for e in await found(actor="reviewer-1")} == {"reviewer-1"}
    assert len(await found(actor="reviewer-1")) == 4
    assert [e.action for e in await found(review_id=review_id_of("case-3"))] == [
        "submitted",
        "leased",
    ]
    assert len(await found(action="leased")) == 5
    (entry,) = await found(action="submitted", actor="reviewer-0", review_id=review_id_of("case-2"))
    assert entry.details == {"seat": 1, "label": "APPROVED"}


async def test_entries_tell_the_address_they_came_from(queue: Queue) -> None:
    await queue.request("case-1")
    await queue.leasing.lease(Person("amara", "adjudicator", "2001:db8::1"))

    (entry,) = await queue.entries()

    assert entry.address == "2001:db8::1"


async def test_no_case_content_stands_in_the_trail(queue: Queue) -> None:
    await queue.request("case-1")
    held = lease_handle(await queue.lease())
    await queue.notes.write(REVIEW, "the knee is swollen", by=actor())
    await queue.assignments.save_draft(held.assignment_id, "amara", {"reasoning": "swollen"})
    await queue.assignments.submit(held, replace(DENIED, reasoning="the knee is swollen"))
    await queue.settle()
    again = Correction(APPROVED, "the knee is swollen no more", 0)
    await queue.corrections.correct(REVIEW, again, by=actor())
    await queue.request("case-2", "case-3")
    await queue.assignments.release(
        lease_handle(await queue.lease()), "a swollen knee is not my field"
    )
    await queue.assignments.escalate(
        lease_handle(await queue.lease()), "how swollen is too swollen?"
    )

    entries = await queue.entries()
    assert {"submitted", "corrected", "released", "escalated"} <= {e.action for e in entries}
    assert "swollen" not in str(entries)


async def test_a_search_is_told_by_each_review_that_it_showed(queue: Queue) -> None:
    found, nothing = ["review-1", "review-2"], list[str]()

    entries = await new_entries(queue, lambda: queue.trail.record_search(actor(), found))
    none = await new_entries(queue, lambda: queue.trail.record_search(actor(), nothing))

    assert [told(entry)[::2] for entry in entries] == [("searched", each) for each in found]
    assert [told(entry)[::2] for entry in none] == [("searched", None)]


async def test_a_refused_lease_of_a_full_reviewer_leaves_no_entry(queue: Queue) -> None:
    await queue.request(*(f"case-{number}" for number in range(4)))
    for _ in range(3):
        await queue.lease()

    async def one_more() -> None:
        with pytest.raises(Conflict, match="you hold 3"):
            await queue.lease()

    assert await new_entries(queue, one_more) == []
