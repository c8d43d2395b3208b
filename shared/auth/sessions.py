"""Sessions of people, on services that did not open them: the review queue is asked.

Asked again after two seconds, so that whoever is signed out or disabled is out everywhere at
once. Where it cannot be asked, nobody is taken for somebody: the answer is 503.
"""

import hashlib
import time
from collections.abc import Callable
from typing import Annotated

import httpx
from fastapi import Request
from pydantic import BaseModel, Field, ValidationError

from shared.auth.principal import Actor, Identify, Person, address_of
from shared.auth.tokens import ApiTokens, bearer_token
from shared.errors import Transient
from shared.settings import ServiceSettings

SESSION_PREFIX = "session-"
CURRENT = "/v1/sessions/current"
_KEPT_SECONDS = 2.0
_KEPT_AT_MOST = 1_000
_PATIENCE_SECONDS = 5.0


class CurrentSession(BaseModel):
    """Who a session's token belongs to."""

    name: Annotated[str, Field(min_length=1)]
    role: str
    one_time_password: bool


class Sessions:
    """The open sessions, as the review queue at `url` knows them."""

    def __init__(
        self,
        url: str,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.url = url
        self.transport = transport
        self.clock = clock
        self._known: dict[bytes, tuple[float, CurrentSession | None]] = {}

    async def person(self, token: str, *, address: str) -> Person | None:
        """Whose session this is, if it is open; `Transient` if that cannot be said."""
        session = await self._session(token)
        if session is None:
            return None
        return Person(session.name, session.role, address, session.one_time_password)

    async def _session(self, token: str) -> CurrentSession | None:
        key = hashlib.sha256(token.encode()).digest()
        asked, session = self._known.get(key, (float("-inf"), None))
        if self.clock() - asked < _KEPT_SECONDS:
            return session
        session = await self._ask(token)
        if len(self._known) >= _KEPT_AT_MOST:
            self._known.clear()
        self._known[key] = (self.clock(), session)
        return session

    async def _ask(self, token: str) -> CurrentSession | None:
        headers = {"Authorization": f"Bearer {token}"}
        try:
            async with httpx.AsyncClient(
                base_url=self.url, timeout=_PATIENCE_SECONDS, transport=self.transport
            ) as client:
                answer = await client.get(CURRENT, headers=headers)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                return None
            answer.raise_for_status()
            return CurrentSession.model_validate_json(answer.content)
        except (httpx.HTTPError, ValidationError) as error:
            raise Transient(
                f"cannot ask the review queue at {self.url} who has signed in: "
                f"{type(error).__name__}"
            ) from error


def recognize_callers(settings: ServiceSettings, sessions: Sessions | None = None) -> Identify:
    """People by session, machines by token."""
    tokens = ApiTokens.parse(settings)
    known = sessions or Sessions(settings.review_queue_url)

    async def identify(request: Request) -> Actor | None:
        token = bearer_token(request)
        if token is not None and token.startswith(SESSION_PREFIX):
            return await known.person(token, address=address_of(request))
        return await tokens.identify(request)

    return identify
