"""Who a route lets in: by right, and where it says so, people alone."""

from types import SimpleNamespace
from typing import cast

import pytest
from fastapi import Request

from shared.auth.dependencies import OneTimePassword, Requires, RequiresPerson
from shared.auth.principal import Actor, Machine, Person
from shared.errors import Forbidden, Unauthenticated


def request_of(actor: Actor | None) -> Request:
    async def identify(request: Request) -> Actor | None:
        return actor

    app = SimpleNamespace(state=SimpleNamespace(identify=identify))
    return cast("Request", SimpleNamespace(app=app))


MACHINE = Machine("alerts", ("observe",), "unknown")
OPERATOR = Person("olga", "operator", "unknown")


async def test_where_only_people_may_a_machine_with_the_right_is_refused() -> None:
    """Whatever the table says: a scope that is added to a right makes no machine a person."""
    assert await Requires("read_rollouts")(request_of(MACHINE), None) == MACHINE
    people_only = RequiresPerson("read_rollouts")
    assert await people_only(request_of(OPERATOR), None) == OPERATOR
    with pytest.raises(Forbidden, match="only people"):
        await people_only(request_of(MACHINE), None)


async def test_nobody_comes_in_without_a_name_a_right_or_a_password_of_their_own() -> None:
    guard = Requires("advance_rollouts")
    with pytest.raises(Unauthenticated):
        await guard(request_of(None), None)
    with pytest.raises(Forbidden, match="you are auditor"):
        await guard(request_of(Person("ann", "auditor", "unknown")), None)
    fresh = Person("olga", "operator", "unknown", one_time_password=True)
    with pytest.raises(OneTimePassword):
        await guard(request_of(fresh), None)
    assert await Requires("own_account")(request_of(fresh), None) == fresh
