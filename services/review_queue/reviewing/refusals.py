"""Why an assignment is not a reviewer's to act on (any more)."""

from typing import NoReturn
from uuid import UUID

import asyncpg

from shared.errors import Conflict, NotFound
from shared.storage.database import Connection

_FIND = """
SELECT state, token, lease_expires_at > now() AS leased, label_before, ended_why
FROM review_queue.assignments WHERE assignment_id = $1 AND reviewer = $2
"""
_UNKNOWN = "you have no such assignment"
_EXPIRED = "the lease has expired; nothing was counted"
_BECAME = {
    "submitted": "this case was submitted already",
    "answered": "the decision has left; correct it instead",
    "released": "this case was given back ({ended_why})",
    "escalated": "this case was handed on",
    "expired": _EXPIRED,
}


async def refuse(
    connection: Connection,
    assignment_id: UUID,
    reviewer: str,
    token: int,
    *,
    otherwise: str = _EXPIRED,
) -> NoReturn:
    """`NotFound` or `Conflict`; `otherwise` is the reason where they do hold it."""
    row: asyncpg.Record | None = await connection.fetchrow(_FIND, assignment_id, reviewer)
    if row is None:
        raise NotFound(_UNKNOWN)
    if row["token"] != token:
        raise Conflict("the token is not the newest of this assignment", field="token")
    if row["state"] != "leased":
        raise Conflict(_BECAME[row["state"]].format(**row))
    if not row["leased"]:
        raise Conflict(_EXPIRED)
    raise Conflict(otherwise.format(row["label_before"]))


async def why_not_held(connection: Connection, assignment_id: UUID, reviewer: str) -> str:
    """What became of an assignment that the reviewer does not hold."""
    row = await connection.fetchrow(_FIND, assignment_id, reviewer)
    return _BECAME.get(row["state"], _EXPIRED).format(**row) if row else _UNKNOWN
