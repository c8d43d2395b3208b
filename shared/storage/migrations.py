"""The migrations of a schema: run by a role that may create, and looked at by one that may not.

Each runs once, in the order of their names; what another version made of a schema is refused.
"""

from collections.abc import Mapping, Set
from pathlib import Path
from typing import TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy

Connection: TypeAlias = "PoolConnectionProxy[asyncpg.Record] | asyncpg.Connection[asyncpg.Record]"
Steps: TypeAlias = Mapping[str, str]  # statements by name, in order

_SCHEMA_LOCK = 7_042_001  # two processes must not create the same at once
_MAY_CREATE = """
SELECT coalesce(
    has_schema_privilege(to_regnamespace($1)::oid, 'CREATE'),
    has_database_privilege(current_database(), 'CREATE'))
"""


class AnotherVersion(RuntimeError):
    """The schema was made by another version; the message says what can be done."""


def read_steps(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.glob("*.sql"))}


async def may_create(connection: Connection, schema: str) -> bool:
    """Whether this role may make the schema, or something in it."""
    return bool(await connection.fetchval(_MAY_CREATE, schema))


async def lock_schemas(connection: Connection) -> None:
    """Until the end of the transaction, nobody else creates anything."""
    await connection.execute("SELECT pg_advisory_xact_lock($1)", _SCHEMA_LOCK)


async def migrate(connection: Connection, *, schema: str, steps: Steps) -> None:
    """Run the steps that this schema has not seen."""
    await lock_schemas(connection)
    await connection.execute(f"CREATE SCHEMA IF NOT EXISTS {schema}")
    await connection.execute(
        f"CREATE TABLE IF NOT EXISTS {schema}.migrations "
        "(name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    for name in await missing_steps(connection, schema=schema, steps=steps):
        await connection.execute(steps[name])
        await connection.execute(
            f"INSERT INTO {schema}.migrations (name) VALUES ($1)",  # noqa: S608
            name,
        )


async def missing_steps(connection: Connection, *, schema: str, steps: Steps) -> list[str]:
    """The steps that this schema has not seen; `AnotherVersion` if it has seen others."""
    rows = await connection.fetch(f"SELECT name FROM {schema}.migrations")  # noqa: S608
    applied = {row["name"] for row in rows}
    _refuse_another_version(schema, applied=applied, steps=steps)
    return [name for name in steps if name not in applied]


def _refuse_another_version(schema: str, *, applied: Set[str], steps: Steps) -> None:
    # What a later version added does not hinder; other steps in the place of ours do.
    last = max(steps, default="")[:4]
    if foreign := [name for name in applied - steps.keys() if name[:4] <= last]:
        raise AnotherVersion(
            f"the schema {schema} was made by another version of Caseloop, with "
            f"{', '.join(sorted(foreign))}: start that version, or delete the data (make reset)"
        )
