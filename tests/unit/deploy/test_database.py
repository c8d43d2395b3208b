"""The tables that only grow are those that no statement changes, and a verifier is PostgreSQL's."""

import re
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.database import APPEND_ONLY, scram_verifier
from deploy.embedded.layout import REPOSITORY
from shared.messaging.topics import TOPICS
from shared.services import SERVICES

_TABLE = r"([a-z_]+)\.([a-z_]+)"
_CHANGE = re.compile(
    rf"(?:UPDATE|DELETE FROM|MERGE INTO) (?:ONLY )?{_TABLE}"
    rf"|INSERT INTO {_TABLE}(?:(?!INSERT INTO).)*?DO UPDATE",
    re.S,
)
# Written by `shared/runs/run_table.py` and `shared/messaging/recovery.py`, wherever there is one.
_SHARED = ("runs", "recoveries")


def tables(service: str) -> Iterator[str]:
    for step in sorted((REPOSITORY / "services" / service / "migrations").glob("*.sql")):
        yield from re.findall(rf"CREATE TABLE {service}\.(\w+)", step.read_text())


def changed(service: str) -> set[str]:
    """The tables that a statement of the service changes a row of, or deletes one."""
    code = "".join(path.read_text() for path in source(service))
    # Statements that are put together of several strings, too.
    whole = re.sub(r'"\s*\n\s*f?"', "", code)
    found = {(a or c, b or d) for a, b, c, d in _CHANGE.findall(whole)}
    return {table for schema, table in found if schema == service}


def source(service: str) -> list[Path]:
    return sorted((REPOSITORY / "services" / service).rglob("*.py"))


@pytest.mark.parametrize("service", SERVICES)
def test_a_table_only_grows_exactly_if_no_statement_changes_it(service: str) -> None:
    known = set(tables(service))

    assert known - changed(service) - {*_SHARED} == set(APPEND_ONLY[service])
    assert changed(service) <= known


def test_who_takes_over_its_own_topics_has_where_that_is_declared() -> None:
    assert all({*topic.recovered_by} <= {*topic.producers} for topic in TOPICS)
    recovering = {service for topic in TOPICS for service in topic.recovered_by}
    assert {service for service in SERVICES if "recoveries" in tables(service)} == recovering


def test_the_database_keeps_no_password_but_what_checks_one() -> None:
    """Of the password and salt in RFC 7677."""
    salt = b64decode("W22ZaJ0SNY7soEsUEjb6gQ==")

    assert scram_verifier("pencil", salt=salt) == (
        "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
        "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU="
    )
