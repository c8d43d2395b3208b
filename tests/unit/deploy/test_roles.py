"""Which role each service works as in PostgreSQL, and what it is told of the others: nothing."""

import pytest

from deploy.roles import (
    PASSWORD_VARIABLES,
    password_variable,
    role_passwords,
    service_environment,
    service_url,
)
from shared.errors import Rejected
from shared.services import SERVICES

OWNER = "postgresql://owner:secret@db.example:5433/caseloop?sslmode=require"
PASSWORDS = {password_variable(name): f"the password of {name}" for name in SERVICES}


def test_each_service_has_a_role_of_its_own_in_the_same_database() -> None:
    urls = {service_url(OWNER, name, "p/w") for name in SERVICES}

    assert len(urls) == len(SERVICES)
    assert "postgresql://caseloop_trainer:p%2Fw@db.example:5433/caseloop?sslmode=require" in urls


def test_the_roles_of_two_databases_differ() -> None:
    other = OWNER.replace("/caseloop?", "/staging?")

    assert "//staging_trainer:" in service_url(other, "trainer", "x")


def test_a_server_is_reached_by_its_socket_too() -> None:
    by_socket = "postgresql:///caseloop?host=/run/postgresql"

    assert (
        service_url(by_socket, "promoter", "x")
        == "postgresql://caseloop_promoter:x@/caseloop?host=/run/postgresql"
    )


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_told_its_own_address_and_nobody_elses_password(service: str) -> None:
    stack = {"DATABASE_URL": OWNER, "DATABASE_PASSWORD": "secret", "LOG_LEVEL": "INFO", **PASSWORDS}

    told = service_environment(stack, service)

    url = service_url(OWNER, service, PASSWORDS[password_variable(service)])
    assert told == {"DATABASE_URL": url, "LOG_LEVEL": "INFO"}


def test_without_passwords_every_service_works_as_the_owner() -> None:
    assert role_passwords({"DATABASE_URL": OWNER}) == {}
    assert service_environment({"DATABASE_URL": OWNER}, "trainer") == {"DATABASE_URL": OWNER}


def test_a_password_that_is_missing_is_named() -> None:
    some = {**PASSWORDS, "DATABASE_PASSWORD_TRAINER": ""}

    with pytest.raises(Rejected, match="set DATABASE_PASSWORD_TRAINER too"):
        role_passwords(some)
    assert role_passwords(PASSWORDS).keys() == set(SERVICES)
    assert len(PASSWORD_VARIABLES) == len(SERVICES)
