from datetime import datetime

import pytest
from fastapi import Request

from services.review_queue.people.identity import COOKIE, Identity, refuse_foreign, session_token
from services.review_queue.people.users import Accounts, Session
from shared.auth.principal import Person
from shared.auth.tokens import ApiTokens
from shared.errors import Forbidden


def request(method: str = "POST", **headers: str) -> Request:
    lines = [(name.replace("_", "-").encode(), text.encode()) for name, text in headers.items()]
    lines.append((b"host", b"queue.example:8103"))
    return Request({"type": "http", "method": method, "path": "/", "headers": lines})


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site", "origin": "http://queue.example:8103"},
        {"origin": "http://elsewhere.example"},
        {"origin": "http://queue.example"},  # another port is another origin
        {"origin": "null"},
    ],
)
def test_another_sites_page_changes_nothing(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden):
        refuse_foreign(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "none"},
        {"origin": "http://queue.example:8103"},
        {},
    ],
)
def test_our_own_pages_and_scripts_do(headers: dict[str, str]) -> None:
    refuse_foreign(request(**headers))


def test_reading_is_free_of_it() -> None:
    refuse_foreign(request("GET", sec_fetch_site="cross-site"))


def test_a_bearer_token_counts_before_the_cookie() -> None:
    both = {"cookie": f"{COOKIE}=session-cookie"}

    assert session_token(request(**both)) == "session-cookie"
    assert session_token(request(**both, authorization="Bearer session-a")) == "session-a"
    assert session_token(request(**both, authorization="Bearer an-api-token")) is None


@pytest.mark.parametrize("scheme", ["Basic eDp5", "Negotiate abc", "Bearer"])
async def test_what_a_browser_sends_by_itself_does_not_open_the_cookie(scheme: str) -> None:
    """A proxy's password rides along with every request, also of another site's page."""
    identity = Identity(NobodyHere(), ApiTokens(()))
    foreign = request(
        cookie=f"{COOKIE}=session-cookie", authorization=scheme, sec_fetch_site="cross-site"
    )

    if scheme == "Bearer":
        assert await identity.identify(foreign) is None
        return
    with pytest.raises(Forbidden):
        await identity.identify(foreign)


class NobodyHere(Accounts):
    """Nobody who is asked for is refused."""

    def __init__(self) -> None:
        pass

    async def session(self, token: str, *, address: str) -> Session | None:
        return Session(token, Person("amara", "adjudicator", address), datetime.max)
