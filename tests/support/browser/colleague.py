"""A reviewer who works over HTTP: for what must have been done, and nobody looks at."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from tests.support.browser.workplace import PASSWORD
from tests.support.patience import PATIENCE_SECONDS

REASONS = {"APPROVED": "NECESSARY", "DENIED": "EXCLUDED", "PENDING": "RECORDS_NEEDED"}
_BASIS = {
    "criterion": {
        "source": "Choice PPO",
        "version": "5",
        "effective_date": "2026-01-01",
        "text": "Cosmetic services are not covered.",
    },
    "clinical_basis": "The note names no functional impairment.",
}


@dataclass(frozen=True)
class Colleague:
    client: httpx.AsyncClient

    async def lease(self) -> dict[str, Any] | None:
        answer = await self.client.post("/v1/assignments")
        answer.raise_for_status()
        return answer.json() if answer.status_code == 201 else None

    async def act(self, assignment: Mapping[str, Any], action: str, **body: Any) -> None:
        path = f"/v1/assignments/{assignment['assignment_id']}/{action}"
        sent = await self.client.post(path, json={"token": assignment["token"], **body})
        sent.raise_for_status()

    async def say(self, assignment: Mapping[str, Any], label: str, **changes: Any) -> None:
        """Submit a label with all that it needs."""
        body = {"label": label, "reasoning": "As the note says.", "reason_code": REASONS[label]}
        basis = _BASIS if label == "DENIED" else {}
        await self.act(assignment, "submit", **{**body, **basis, **changes})

    async def decide(self, label: str, **changes: Any) -> str:
        """The next case; its review's id."""
        assignment = await self.lease()
        assert assignment is not None
        await self.say(assignment, label, **changes)
        review_id: str = assignment["review_id"]
        return review_id


@asynccontextmanager
async def colleague(url: str, name: str) -> AsyncIterator[Colleague]:
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        session = await client.post("/v1/sessions", json={"name": name, "password": PASSWORD})
        session.raise_for_status()
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {session.json()['token']}"
        yield Colleague(client)
