"""The whole service with its loops, on engines of its own database, and clients of it."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from services.review_queue.app import create_app
from services.review_queue.reviewing.review import Shares
from services.review_queue.settings import Settings
from shared.auth.permissions import Scope
from shared.messaging.topics import create_topics
from shared.settings import EngineSettings
from tests.connected.review_queue.harness import ADDRESS, CRITERION, PASSWORD, Queue
from tests.support.builders.requests import model_answer, requested
from tests.support.callers import TOKENS, as_machine

USERS = {
    "amara": "adjudicator",
    "bo": "adjudicator",
    "sam": "senior",
    "lee": "lead",
    "olga": "operator",
    "ada": "auditor",
}


DENIAL: dict[str, Any] = {
    "label": "DENIED",
    "reasoning": "a rule excludes it",
    "reason_code": "EXCLUDED",
    "criterion": CRITERION.model_dump(),
    "clinical_basis": "the note names no functional impairment",
}
APPROVAL = {"label": "APPROVED", "reasoning": "covered, and the note supports it"}
ANSWER = model_answer(
    version="adjudication-v9.9-hidden", confidence=0.6217, reasoning="the words of the model"
)
Clients = dict[str, httpx.AsyncClient]


@dataclass(frozen=True)
class Service:
    app: FastAPI
    engines: EngineSettings

    def client(self, **headers: str) -> httpx.AsyncClient:
        """A browser or script that has not signed in."""
        transport = httpx.ASGITransport(
            self.app, raise_app_exceptions=False, client=(ADDRESS, 50_000)
        )
        return httpx.AsyncClient(transport=transport, base_url="http://queue", headers=headers)

    def by_token(self, scope: Scope) -> httpx.AsyncClient:
        """A script with the API token of a scope."""
        return self.client(**as_machine(scope))

    async def signed_in(self, name: str) -> httpx.AsyncClient:
        """A script's client: it sends the session's token and no cookie."""
        async with self.client() as client:
            answer = await client.post("/v1/sessions", json={"name": name, "password": PASSWORD})
        assert answer.status_code == 201
        return self.client(Authorization=f"Bearer {answer.json()['token']}")


async def service_settings(
    engines: Mapping[str, str], database: str, **changes: Any
) -> dict[str, Any]:
    """Of a service on these engines, whose topics exist then."""
    await asyncio.to_thread(create_topics, engines["KAFKA_BOOTSTRAP"])
    fields = {name.lower(): value for name, value in engines.items()}
    return {
        "engines": EngineSettings.model_validate({**fields, "database_url": database}),
        "undo_seconds": 1,
        "overlap_share": 0,
        "blind_share": 0,
        "bootstrap_users": ",".join(f"{name}:{role}:{PASSWORD}" for name, role in USERS.items()),
        "API_TOKENS": TOKENS,
        **changes,
    }


@asynccontextmanager
async def serving(
    engines: Mapping[str, str], database: str, **changes: Any
) -> AsyncIterator[Service]:
    settings = Settings.model_validate(await service_settings(engines, database, **changes))
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield Service(app, settings.engines)


async def act(
    client: httpx.AsyncClient, assignment: Mapping[str, Any], action: str, **body: Any
) -> httpx.Response:
    path = f"/v1/assignments/{assignment['assignment_id']}/{action}"
    return await client.post(path, json={"token": assignment["token"], **body})


async def queued(inside: Queue, *, overlap: float = 0.0, blind: float = 0.0) -> str:
    """One case in an empty queue."""
    inside.shares = Shares(overlap=overlap, blind=blind)
    case_id = f"case-{uuid4().hex[:8]}"
    request = requested(case_id, answer=ANSWER, reason="label_mass")
    await inside.handlers.reviews_requested([request])
    return case_id


async def leased(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/v1/assignments")
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def of(assignment: dict[str, Any], what: str) -> str:
    return f"/v1/assignments/{assignment['assignment_id']}{what}"


def asked(method: str, path: str) -> tuple[str, str]:
    """A route, of something that does not exist."""
    return method, re.sub(r"{\w+}", str(uuid4()), path)
