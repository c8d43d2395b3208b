"""Who is calling this service: a user by session (cookie or bearer), else a token's owner.

A browser sends the cookie by itself, so a request with it that changes anything must come from
our own pages.
"""

from urllib.parse import urlsplit

from fastapi import Request

from services.review_queue.people.users import Accounts
from shared.auth.principal import Actor, address_of
from shared.auth.sessions import SESSION_PREFIX
from shared.auth.tokens import ApiTokens, bearer_token
from shared.errors import Forbidden

COOKIE = "caseloop_session"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Identity:
    def __init__(self, accounts: Accounts, tokens: ApiTokens) -> None:
        self.accounts = accounts
        self.tokens = tokens

    async def identify(self, request: Request) -> Actor | None:
        """Whoever sends a request. A bearer token counts before the cookie."""
        token = session_token(request)
        if token is None:
            return await self.tokens.identify(request)
        if bearer_token(request) is None:
            refuse_foreign(request)
        session = await self.accounts.session(token, address=address_of(request))
        return session.person if session else None


def session_token(request: Request) -> str | None:
    """The session's token, if the request has one as bearer token or cookie."""
    token = bearer_token(request)
    if token is None:
        return request.cookies.get(COOKIE)
    return token if token.startswith(SESSION_PREFIX) else None


def refuse_foreign(request: Request) -> None:
    """`Forbidden` if another site's page makes the browser send this."""
    if request.method not in _SAFE_METHODS and not _from_our_pages(request):
        raise Forbidden("the request comes from another site")


def _from_our_pages(request: Request) -> bool:
    """Browsers say where a request comes from; what says nothing is not a browser's page."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in {"same-origin", "none"}
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
