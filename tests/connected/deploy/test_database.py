"""What the role of each service can do in PostgreSQL: its work, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

import services
from deploy.database import APPEND_ONLY, prepare_database
from deploy.roles import role_name, service_url
from shared.errors import Rejected
from shared.messaging.outbox import Outbox
from shared.services import SERVICES
from shared.settings import engine_settings
from shared.storage.database import Database
from tests.support.engines.lifecycle import fresh_database
from tests.support.patience import PATIENCE_SECONDS

PASSWORDS = {name: f"the-password-of-{name}" for name in SERVICES}
POWERS = {"SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"}
READS, GROWS = {"SELECT"}, {"SELECT", "INSERT"}
WORKS = {"SELECT", "INSERT", "UPDATE", "DELETE"}
_TABLES = """
SELECT relnamespace::regnamespace::text AS schema, relname AS name, oid
FROM pg_class WHERE relkind IN ('r', 'p', 'v', 'm', 'f')
    AND relnamespace::regnamespace::text = ANY($1)
"""
_AUDITED = """
INSERT INTO review_queue.audit (actor, role, address, action)
VALUES ('amara', 'adjudicator', '127.0.0.1', 'listed')
"""

_BY_POSTGRESQL = "^(?!the audit trail only grows)"  # which a trigger says, to the owner as well


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def own_url(database: str, service: str) -> str:
    return service_url(database, service, PASSWORDS[service])


def parts_of(url: str, service: str) -> dict[str, Any]:
    """What a service's database is made with."""
    return {
        "settings": engine_settings({"DATABASE_URL": url}),
        "schema": service,
        "migrations": Path(services.__path__[0]) / service / "migrations",
    }


def database_of(url: str, service: str) -> Database:
    return Database(**parts_of(url, service))


@pytest.fixture(scope="module")
async def prepared(database: str) -> str:
    await prepare_database(database, PASSWORDS)
    return database


@pytest.mark.parametrize("service", SERVICES)
async def test_a_role_reads_and_writes_its_own_tables_and_nothing_of_the_others(
    prepared: str, service: str
) -> None:
    """Of every table that there is, so that a new one cannot be forgotten."""
    async with connected(prepared) as connection:
        tables = await connection.fetch(_TABLES, [*SERVICES, "public"])
        role = role_name(urlsplit(prepared).path.strip("/"), service)
        held = {
            (row["schema"], row["name"]): {
                power
                for power in POWERS
                if await connection.fetchval(
                    "SELECT has_table_privilege($1, $2::oid, $3)", role, row["oid"], power
                )
            }
            for row in tables
        }

    assert {schema for schema, _ in held} == set(SERVICES)
    for (schema, name), powers in held.items():
        expected = WORKS if schema == service else set[str]()
        if schema == service and name in APPEND_ONLY[service]:
            expected = GROWS
        if schema == service and name == "migrations":
            expected = READS
        assert powers == expected, f"{service} on {schema}.{name}"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(
    "statement",
    [
        "COPY {own}.migrations TO PROGRAM 'cat'",
        "COPY {own}.migrations TO '/tmp/stolen'",
        "SELECT pg_read_file('/etc/passwd')",
        "SELECT * FROM pg_authid",
        "ALTER TABLE review_queue.audit DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_only_grows ON review_queue.audit",
        "UPDATE review_queue.audit SET actor = 'nobody'",
        "DELETE FROM review_queue.audit",
        "TRUNCATE review_queue.audit",
        "DROP TABLE review_queue.audit",
        "SET session_replication_role = replica",
        "INSERT INTO {own}.migrations (name) VALUES ('9999_never_run.sql')",
        "SELECT * FROM {other}.migrations",
        "SELECT * FROM {other}.outbox",
        "CREATE TABLE {own}.more (id integer)",
        "CREATE TABLE public.more (id integer)",
        "CREATE TEMPORARY TABLE more (id integer)",
        "CREATE FUNCTION {own}.more() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA more",
        "CREATE ROLE more",
        "ALTER ROLE CURRENT_USER CREATEROLE",
        "SET ROLE {owner}",
    ],
)
async def test_a_role_is_refused_what_is_not_its_work(
    prepared: str, service: str, statement: str
) -> None:
    other = SERVICES[SERVICES.index(service) - 1]
    owner = urlsplit(prepared).username
    async with connected(own_url(prepared, service)) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match=_BY_POSTGRESQL):
            await connection.execute(statement.format(own=service, other=other, owner=owner))


async def test_the_review_queue_adds_to_its_audit_trail(prepared: str) -> None:
    async with connected(own_url(prepared, "review_queue")) as connection:
        before = await connection.fetchval("SELECT count(*) FROM review_queue.audit")
        await connection.execute(_AUDITED)

        assert await connection.fetchval("SELECT count(*) FROM review_queue.audit") == before + 1


async def test_preparing_again_sets_the_passwords_that_there_are_now(
    engines: dict[str, str],
) -> None:
    async with fresh_database(engines["DATABASE_URL"]) as url:
        await prepare_database(url, PASSWORDS)
        await prepare_database(url, PASSWORDS | {"trainer": "another"})

        async with connected(service_url(url, "trainer", "another")) as connection:
            assert await connection.fetch("SELECT * FROM trainer.runs") == []
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(own_url(url, "trainer"))


async def test_a_filled_database_of_the_version_before_is_taken_over(
    engines: dict[str, str],
) -> None:
    """Then every service was the owner of everything, and made its schema itself."""
    async with fresh_database(engines["DATABASE_URL"]) as url:
        for service in SERVICES:
            database = database_of(url, service)
            await database.open()
            await Outbox(database, service=service).create()
            await database.close()
        async with connected(url) as connection:
            await connection.execute(_AUDITED)

        await prepare_database(url, PASSWORDS)

        async with connected(own_url(url, "review_queue")) as connection:
            assert await connection.fetchval("SELECT count(*) FROM review_queue.audit") == 1
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match=_BY_POSTGRESQL):
                await connection.execute("DELETE FROM review_queue.audit")


async def test_an_owner_that_is_no_superuser_can_prepare(engines: dict[str, str]) -> None:
    """As on a server that somebody else runs."""
    async with fresh_database(engines["DATABASE_URL"]) as url:
        name = urlsplit(url).path.strip("/")
        owner = service_url(url, "owner", "the-owners")
        async with connected(url) as connection:
            await connection.execute(f"CREATE ROLE {name}_owner LOGIN PASSWORD 'the-owners'")
            await connection.execute(f"ALTER DATABASE {name} OWNER TO {name}_owner")
        with pytest.raises(Rejected, match="CREATEROLE to give each service its own role"):
            await prepare_database(owner, PASSWORDS)
        async with connected(url) as connection:
            await connection.execute(f"ALTER ROLE {name}_owner CREATEROLE")

        await prepare_database(owner, PASSWORDS)
        await prepare_database(owner, PASSWORDS)

        database = database_of(own_url(url, "review_queue"), "review_queue")
        await database.open()
        async with database.transaction() as connection:
            await connection.execute(_AUDITED)
        await database.close()


async def test_a_role_that_may_do_more_is_not_given_to_a_service(engines: dict[str, str]) -> None:
    async with fresh_database(engines["DATABASE_URL"]) as url:
        role = role_name(urlsplit(url).path.strip("/"), "trainer")
        async with connected(url) as connection:
            await connection.execute(f"CREATE ROLE {role} IN ROLE pg_execute_server_program")

        with pytest.raises(Rejected, match=f"{role} has attributes or memberships"):
            await prepare_database(url, PASSWORDS)


async def test_without_passwords_one_role_does_everything(engines: dict[str, str]) -> None:
    async with fresh_database(engines["DATABASE_URL"]) as url:
        await prepare_database(url, {})
        async with connected(url) as connection:
            roles = await connection.fetch(
                "SELECT FROM pg_roles WHERE rolname LIKE current_database() || '%'"
            )
        database = database_of(url, "trainer")
        await database.open()

        assert database.may_create
        await database.close()

    assert roles == []


async def test_without_passwords_services_that_have_roles_are_not_left_behind(
    engines: dict[str, str],
) -> None:
    """The owner would go on alone, and what it adds to a schema be nobody's to read."""
    async with fresh_database(engines["DATABASE_URL"]) as url:
        await prepare_database(url, PASSWORDS)
        async with connected(url) as connection:
            await connection.execute("DROP SCHEMA trainer CASCADE")

        with pytest.raises(Rejected, match=r"_trainer\b.*set DATABASE_PASSWORD_INFERENCE, "):
            await prepare_database(url, {})

        async with connected(url) as connection:
            assert await connection.fetchval("SELECT to_regnamespace('trainer') IS NULL")


class Looking(Database):
    """Tells when it has seen that its schema is not there."""

    def __init__(self, **parts: Any) -> None:
        super().__init__(**parts)
        self.looked = asyncio.Event()

    async def _missing(self) -> list[str]:
        if missing := await super()._missing():
            self.looked.set()
        return missing


async def test_a_service_that_starts_before_its_schema_is_there_waits_for_it(
    engines: dict[str, str],
) -> None:
    async with fresh_database(engines["DATABASE_URL"]) as url:
        await prepare_database(url, PASSWORDS)
        async with connected(url) as connection:
            await connection.execute("DROP SCHEMA trainer CASCADE")
        database = Looking(**parts_of(own_url(url, "trainer"), "trainer"))
        with pytest.raises(RuntimeError, match=r"trainer lacks .*`python -m deploy\.prepare`"):
            await database.open(patience_seconds=0)
        await database.close()

        database.looked.clear()
        opening = asyncio.create_task(database.open(patience_seconds=PATIENCE_SECONDS))
        looking = asyncio.create_task(database.looked.wait())
        async with asyncio.timeout(PATIENCE_SECONDS):
            await asyncio.wait({opening, looking}, return_when="FIRST_COMPLETED")
        looked_and_waited = looking.done() and not opening.done()
        await prepare_database(url, PASSWORDS)
        await opening
        assert looked_and_waited
        async with database.transaction() as connection:
            assert await connection.fetch("SELECT * FROM trainer.outbox") == []
        await database.close()


async def test_a_step_that_is_missing_is_named_and_not_run(prepared: str, tmp_path: Path) -> None:
    (tmp_path / "0001_runs.sql").touch()
    (tmp_path / "9999_later.sql").write_text("CREATE TABLE trainer.later (id integer)")
    settings = engine_settings({"DATABASE_URL": own_url(prepared, "trainer")})
    database = Database(settings, schema="trainer", migrations=tmp_path)

    with pytest.raises(RuntimeError, match=r"lacks 9999_later\.sql"):
        await database.open(patience_seconds=0)
    await database.close()
