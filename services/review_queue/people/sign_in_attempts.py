"""Attempts to sign in, counted before a password is looked at: nobody guesses in parallel.

They are counted by name, whether or not the name exists, and by address. A name is kept as a hash:
it may be a password in the wrong field.
"""

import hashlib
from datetime import timedelta

from shared.storage.database import Connection

_COUNT = """
INSERT INTO review_queue.sign_in_failures AS f VALUES ($1, 1, now())
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN f.since < now() - $2::interval THEN 1 ELSE f.failures + 1 END,
    since = CASE WHEN f.since < now() - $2::interval THEN now() ELSE f.since END
WHERE f.failures < $3 OR f.since < now() - $2::interval RETURNING failures
"""
_FORGET = "DELETE FROM review_queue.sign_in_failures WHERE key = $1"
# Not all of the address: whoever can sign in could guess other people's passwords forever.
_FORGET_ONE = "UPDATE review_queue.sign_in_failures SET failures = failures - 1 WHERE key = $1"
_PRUNE = "DELETE FROM review_queue.sign_in_failures WHERE since < now() - $1::interval"


def name_key(name: str) -> str:
    return f"name {hashlib.sha256(name.encode()).hexdigest()}"


def address_key(address: str) -> str:
    return f"address {address}"


async def count_attempt(
    connection: Connection, key: str, *, allowed: int, within: timedelta
) -> bool:
    """Count it as failed until it succeeds. False if there were too many within that time."""
    return await connection.fetchval(_COUNT, key, within, allowed) is not None


async def forget_attempt(connection: Connection, *, name: str, address: str) -> None:
    """The attempt succeeded, and with it all earlier ones of this name are forgotten."""
    await connection.execute(_FORGET, name_key(name))
    await connection.execute(_FORGET_ONE, address_key(address))


async def prune_attempts(connection: Connection, *, within: timedelta) -> None:
    """Forget the failures that no longer count."""
    await connection.execute(_PRUNE, within)
