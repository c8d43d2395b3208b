"""Imports as people make them: over HTTP, one brings a file and another confirms it."""

from itertools import count
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from services.dataset_accumulator import import_routes, routes
from services.dataset_accumulator.app import NAME
from services.dataset_accumulator.import_routes import ImportDefaults
from services.dataset_accumulator.settings import Settings
from shared.health import Health
from shared.http.application import create_application
from shared.messaging.bus import Bus
from tests.connected.dataset_accumulator.harness import IMPORT_SPLITS, TRAIN, Accumulator
from tests.support.callers import TOKENS, as_machine, as_person, take_at_their_word

OPERATOR = as_person("operator", name="olga")
LEAD = as_person("lead", name="lena")
MACHINE = as_machine("import")


def app_of(accumulator: Accumulator, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setenv("API_TOKENS", TOKENS)
    settings, numbers = Settings(), count(1)
    app = create_application(
        NAME,
        settings,
        bus=Bus(settings.engines, service=NAME, health=Health()),
        routers=[routes.router, import_routes.router],
        body_limits={import_routes.router.prefix: settings.import_limit_bytes},
        state={
            "releaser": accumulator.releaser,
            "importer": accumulator.importer,
            "import_defaults": ImportDefaults(
                TRAIN,
                IMPORT_SPLITS,
                new_id=lambda: f"import-{next(numbers)}",
                now=accumulator.clock,
            ),
        },
    )
    take_at_their_word(app)
    return app


async def send(client: httpx.AsyncClient, content: Any, **query: Any) -> httpx.Response:
    """Bring a file, as the operator olga."""
    query = {"task": "adjudication", "name": "history.csv", **query}
    headers = {"Content-Type": "text/csv"}
    return await client.post("/v1/imports", params=query, content=content, headers=headers)


async def confirm(client: httpx.AsyncClient, import_id: str, **changes: Any) -> httpx.Response:
    """Confirm an import, as the lead lena."""
    path = f"/v1/imports/{import_id}/confirm"
    return await client.post(path, **{"headers": LEAD, **changes})


async def bring_in(client: httpx.AsyncClient, content: Any, **query: Any) -> dict[str, Any]:
    """Bring a file and have it confirmed; the report after that."""
    held = (await send(client, content, **query)).json()
    report: dict[str, Any] = (await confirm(client, held["import_id"])).json()
    return report


async def recall(client: httpx.AsyncClient, import_id: str, *, reason: str) -> httpx.Response:
    path = f"/v1/imports/{import_id}/recall"
    return await client.post(path, json={"reason": reason}, headers=LEAD)
