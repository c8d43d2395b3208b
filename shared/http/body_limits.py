"""How much of a request's body is read: so much as its route takes, and little from a stranger.

It stands before everything else. A body is measured by what it declares and counted while it
arrives, so none is in memory that would be refused, and a stranger fills no memory at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request
from fastapi.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth.principal import identify
from shared.errors import Rejected, TooLarge, Transient, Unauthenticated

# A name and a password are no longer; whoever sends more shows first who they are.
STRANGER_LIMIT_BYTES = 16 * 1024


@dataclass
class BodyLimits:
    """The middleware. `routes` are the paths that take another size than the rest."""

    app: ASGIApp
    limit: int
    routes: Mapping[str, int]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.routes.get(scope["path"], self.limit)
        body = _Body(Request(scope), receive, send, limit=limit)
        try:
            await body.declare()
            await self.app(scope, body.receive, body.send)
        except Exception:
            if body.refusal is None or body.answered:
                raise
        if body.refusal is not None and not body.answered:
            await body.answer_refusal()


class _Body:
    """One request's body on its way in. Once it is refused, nothing else is answered."""

    def __init__(self, request: Request, receive: Receive, send: Send, *, limit: int) -> None:
        self.request = request
        self.limit = limit
        self.received = 0
        self.known = False
        self.refusal: Rejected | Transient | None = None
        self.answered = False
        self._receive = receive
        self._send = send

    async def declare(self) -> None:
        """Measure the body by its header, before any of it is read."""
        length = self.request.headers.get("content-length", "")
        if length.isdecimal():
            await self._measure(int(length))

    async def receive(self) -> Message:
        if self.refusal is not None:
            raise self.refusal
        message = await self._receive()
        self.received += len(message.get("body", b""))
        await self._measure(self.received)
        return message

    async def send(self, message: Message) -> None:
        if self.refusal is None or self.answered:
            self.answered = True
            await self._send(message)

    async def answer_refusal(self) -> None:
        """Answer as the service answers any such error, and hang up: the rest is not read."""
        assert self.refusal is not None
        kind = Rejected if isinstance(self.refusal, Rejected) else Transient
        answer = self.request.app.exception_handlers[kind]
        response: Response = await answer(Request(self.request.scope, self.receive), self.refusal)
        response.headers["connection"] = "close"
        await response(self.request.scope, self._receive, self._send)

    async def _measure(self, size: int) -> None:
        try:
            if size > self.limit:
                raise TooLarge(f"the body is larger than {self.limit} bytes")
            if size > STRANGER_LIMIT_BYTES and not self.known:
                await self._recognize()
        except (Rejected, Transient) as error:
            self.refusal = error
            raise

    async def _recognize(self) -> None:
        if await identify(self.request) is None:
            raise Unauthenticated("sign in, or send a known token")
        self.known = True
