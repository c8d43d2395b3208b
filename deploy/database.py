"""The schemas of all services, and what each service's role may do there: nothing but its work.

The role of `DATABASE_URL` makes and owns them. A service's role reads and writes the rows of its
own schema and creates nothing; of a table whose rows are never changed, it only adds some.
"""

import hashlib
import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import asyncpg

import services
from deploy.roles import password_variable, role_name
from shared.errors import Rejected, Transient
from shared.messaging.outbox import create_tables
from shared.services import SERVICES
from shared.storage.database import AWAY
from shared.storage.migrations import Connection, lock_schemas, migrate, read_steps

# Tables that only grow; a test compares them with what the services' statements do.
APPEND_ONLY = {
    "inference": ("cases",),
    "confidence_filter": ("labels", "routings"),
    "review_queue": ("audit", "corrections", "notes", "requests"),
    "dataset_accumulator": (
        *("confirmations", "contents", "corrections", "groups"),
        *("own_decisions", "refusals", "releases"),
    ),
    "trainer": (),
    "evaluator": ("candidates",),
    "promoter": ("evaluations", "transitions"),
}
_LONGEST_NAME = 63  # PostgreSQL cuts off the rest, and two roles would be one
_ITERATIONS = 4096  # PostgreSQL's own
_POWERS = """
SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
    OR EXISTS (SELECT FROM pg_auth_members WHERE member = pg_roles.oid)
FROM pg_roles WHERE rolname = $1
"""


async def prepare_database(url: str, passwords: Mapping[str, str]) -> None:
    """Bring every schema up to date. With `passwords` by service, make the services' roles and
    give each its rights, in the transaction of its schema; `Rejected` without them where there are
    such roles, which would have no right to what is new."""
    connection = await _connect(url)
    try:
        if passwords:
            async with connection.transaction():
                await _close_to_the_public(connection)
        else:
            await _refuse_roles(connection)
        for service in SERVICES:
            async with connection.transaction():
                await _make_schema(connection, service)
                if passwords:
                    await _let_in(connection, service, password=passwords[service])
    except asyncpg.InsufficientPrivilegeError as error:
        raise Rejected(
            f"the role of DATABASE_URL may not prepare the database ({error}): it has to own the "
            "database and everything in it, and CREATEROLE to give each service its own role"
        ) from error
    finally:
        await connection.close()


async def _connect(url: str) -> "asyncpg.Connection[asyncpg.Record]":
    try:
        return await asyncpg.connect(url, timeout=10)
    except AWAY as error:
        raise Transient(f"PostgreSQL is unavailable: {type(error).__name__}") from error
    except asyncpg.PostgresError as error:
        raise Rejected(f"PostgreSQL refuses DATABASE_URL: {error}") from error


async def _refuse_roles(connection: Connection) -> None:
    database = await connection.fetchval("SELECT current_database()")
    roles = {role_name(database, service): service for service in SERVICES}
    rows = await connection.fetch(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY($1::name[]) ORDER BY rolname", list(roles)
    )
    if rows:
        found = ", ".join(row["rolname"] for row in rows)
        raise Rejected(
            f"services have roles of their own here ({found}): set "
            f"{', '.join(map(password_variable, SERVICES))}, or drop these roles if all services "
            "are to work as one"
        )


async def _make_schema(connection: Connection, service: str) -> None:
    folder = Path(services.__path__[0]) / service / "migrations"
    await migrate(connection, schema=service, steps=read_steps(folder))
    await create_tables(connection, service)


async def _close_to_the_public(connection: Connection) -> None:
    """What every role may do by default, or could in the databases of old versions."""
    await lock_schemas(connection)
    database = _quoted(await connection.fetchval("SELECT current_database()"))
    await connection.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
    if await connection.fetchval("SELECT to_regnamespace('public') IS NOT NULL"):
        await connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


async def _let_in(connection: Connection, service: str, *, password: str) -> None:
    role = _quoted(await _make_role(connection, service, password=password))
    await connection.execute(
        f"GRANT USAGE ON SCHEMA {service} TO {role};"
        f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA {service} TO {role};"
        f"REVOKE ALL ON ALL TABLES IN SCHEMA {service} FROM {role};"
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {service} TO {role};"
        f"REVOKE INSERT, UPDATE, DELETE ON {service}.migrations FROM {role}"
    )
    for table in APPEND_ONLY.get(service, ()):
        await connection.execute(f"REVOKE UPDATE, DELETE ON {service}.{table} FROM {role}")


async def _make_role(connection: Connection, service: str, *, password: str) -> str:
    """The role's name; `Rejected` if there is one already that may do more than log in."""
    role = role_name(await connection.fetchval("SELECT current_database()"), service)
    if len(role.encode()) > _LONGEST_NAME:
        raise Rejected(f"the role {role} has too long a name for PostgreSQL: rename the database")
    powerful = await connection.fetchval(_POWERS, role)
    if powerful is None:
        await connection.execute(f"CREATE ROLE {_quoted(role)}")
    if powerful:
        raise Rejected(
            f"the role {role} has attributes or memberships of its own: a service must have none"
        )
    verifier = scram_verifier(password, salt=secrets.token_bytes(16))
    await connection.execute(f"ALTER ROLE {_quoted(role)} LOGIN PASSWORD '{verifier}'")
    return role


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def scram_verifier(password: str, *, salt: bytes) -> str:
    """What PostgreSQL keeps of a password (RFC 5803): so no log of statements has the password."""
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    salt_text, stored_text, server_text = (
        b64encode(part).decode() for part in (salt, stored, server)
    )
    return f"SCRAM-SHA-256${_ITERATIONS}:{salt_text}${stored_text}:{server_text}"
