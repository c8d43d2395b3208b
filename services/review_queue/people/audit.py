"""The audit trail: who saw and did what, when, from where. The database refuses to change it.

An entry is written in the transaction of the act it records, so that neither is there alone.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from shared.auth.principal import Actor
from shared.storage.database import Connection, Database

Action = Literal[
    "leased",
    "opened",
    "committed",
    "submitted",
    "undone",
    "released",
    "escalated",
    "withdrawn",
    "noted",
    "corrected",
    "restored",
    "viewed",
    "listed",
    "searched",
    "signed_in",
    "signed_out",
    "sign_in_failed",
    "user_created",
    "user_changed",
    "password_reset",
    "password_changed",
    "reviewer_paused",
    "reviewer_resumed",
    "audit_read",
]


@dataclass(frozen=True)
class AuditEntry:
    entry_id: int
    at: datetime
    actor: str
    role: str
    address: str
    action: str
    review_id: str | None
    details: dict[str, Any]


async def record(
    connection: Connection,
    actor: Actor,
    action: Action,
    review_id: str | None = None,
    **details: Any,
) -> None:
    """Add an entry. `details` name things; they hold no case's content, nor what was written."""
    await connection.execute(
        "INSERT INTO review_queue.audit (actor, role, address, action, review_id, details) "
        "VALUES ($1, $2, $3, $4, $5, $6)",
        actor.name,
        actor.role,
        actor.address,
        action,
        review_id,
        json.dumps(details),
    )


class AuditTrail:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(
        self, actor: Actor, action: Action, review_id: str | None = None, **details: Any
    ) -> None:
        """Record an act that changes nothing else."""
        async with self.database.transaction() as connection:
            await record(connection, actor, action, review_id, **details)

    async def record_search(self, actor: Actor, review_ids: Sequence[str]) -> None:
        """What a search showed: one entry per review, so that each review's own trail tells it.
        What was searched for may name a member, and is kept nowhere."""
        async with self.database.transaction() as connection:
            for review_id in review_ids or (None,):
                await record(connection, actor, "searched", review_id)

    async def page(
        self,
        *,
        before: int,
        limit: int,
        actor: str | None = None,
        action: Action | None = None,
        review_id: str | None = None,
    ) -> Sequence[AuditEntry]:
        """The newest entries older than `before`."""
        filters = {"actor": actor, "action": action, "review_id": review_id}
        wanted = {name: value for name, value in filters.items() if value is not None}
        clauses = "".join(f" AND {name} = ${number}" for number, name in enumerate(wanted, start=3))
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                f"SELECT * FROM review_queue.audit WHERE entry_id < $1{clauses} "  # noqa: S608
                "ORDER BY entry_id DESC LIMIT $2",
                before,
                limit,
                *wanted.values(),
            )
        return [AuditEntry(**{**row, "details": json.loads(row["details"])}) for row in rows]
