"""Operators steer over HTTP: who and why are recorded, and nobody else may."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiokafka import ConsumerRecord

from services.promoter.app import NAME
from services.promoter.applied import Applied
from services.promoter.routes import Viewing, router
from services.promoter.settings import Settings
from shared.events import RolloutsApplied
from shared.health import Health
from shared.http.application import create_application
from shared.messaging.bus import Bus
from tests.connected.promoter.harness import LIMITS, TASK, V0, V1, Promoter
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import NOW
from tests.support.callers import TOKENS, as_machine, as_person, take_at_their_word
from tests.support.patience import PATIENCE_SECONDS

OPERATOR = as_person("operator", name="olga")
AUDITOR = as_person("auditor")


@pytest.fixture
def applied() -> Applied:
    return Applied()


@pytest.fixture
async def client(
    promoter: Promoter, applied: Applied, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("API_TOKENS", TOKENS)
    settings = Settings()
    bus = Bus(settings.engines, service=NAME, health=Health())  # never started
    state = {
        "store": promoter.store,
        "limits": LIMITS,
        "applied": applied,
        "apply_seconds": 0.0,
    }
    app = create_application(NAME, settings, bus=bus, routers=[router], state=state)
    take_at_their_word(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://promoter") as found:
        await promoter.settle_first()
        await promoter.handlers.models_evaluated([evaluation(V1, V0)])
        yield found


async def order(client: httpx.AsyncClient, name: str, **content: Any) -> httpx.Response:
    body = {"why": "a test", **content}
    return await client.post(f"/v1/rollouts/{TASK}/{name}", json=body, headers=OPERATOR)


async def test_an_order_is_recorded_with_who_and_why(
    client: httpx.AsyncClient, promoter: Promoter
) -> None:
    response = await order(client, "rollback", why="members complain")
    assert response.status_code == 200
    assert response.json()["candidate"] is None
    history = (await client.get(f"/v1/rollouts/{TASK}/history", headers=AUDITOR)).json()
    assert (history[0]["what"], history[0]["version"]) == ("rolled_back", V1)
    assert (history[0]["who"], history[0]["why"]) == ("olga", "members complain")
    last = (await promoter.events())[-1]
    assert (last.changed_by, last.why) == ("olga", "members complain")


async def test_pause_resume_stop_and_start(client: httpx.AsyncClient) -> None:
    for name, field, value in (
        ("pause", "paused", True),
        ("stop", "stopped", True),
        ("resume", "paused", False),
        ("start", "stopped", False),
    ):
        assert (await order(client, name)).json()[field] is value
    assert (await order(client, "stop")).json()["waits_for"][0] == "an operator's start"


async def test_what_was_held_can_be_promoted_and_what_failed_cannot(
    client: httpx.AsyncClient, promoter: Promoter
) -> None:
    await order(client, "rollback")
    held, failed = "adjudication-v1.2", "adjudication-v1.3"
    await promoter.handlers.models_evaluated(
        [evaluation(held, V0, "INCONCLUSIVE"), evaluation(failed, V0, "FAIL")]
    )
    assert (await order(client, "promote", version=failed)).status_code == 409
    assert (await order(client, "promote", version="adjudication-v9.9")).status_code == 422
    response = await order(client, "promote", version=held)
    assert (response.json()["candidate"], response.json()["stage"]) == (held, "shadow")


async def test_a_rollout_says_what_it_waits_for(client: httpx.AsyncClient) -> None:
    view = (await client.get(f"/v1/rollouts/{TASK}", headers=AUDITOR)).json()
    assert (view["champion"], view["candidate"], view["stage"]) == (V0, V1, "shadow")
    assert view["waits_for"] == ["20 more cases"]
    assert (await client.get("/v1/rollouts", headers=AUDITOR)).json()[0]["task"] == TASK


async def test_the_registry_lists_versions_with_verdict_and_state(
    client: httpx.AsyncClient,
) -> None:
    found = (await client.get(f"/v1/versions?task={TASK}", headers=AUDITOR)).json()
    assert {entry["version"]: entry["state"] for entry in found} == {V0: "champion", V1: "shadow"}
    assert all(entry["verdict"] == "PASS" and entry["measures"]["accuracy"] for entry in found)
    assert (await client.get("/v1/versions?task=other", headers=AUDITOR)).json() == []


@pytest.mark.parametrize("name", ["rollback", "pause", "resume", "stop", "start", "promote"])
async def test_nobody_else_gives_orders(
    client: httpx.AsyncClient, promoter: Promoter, name: str
) -> None:
    before = await promoter.events()
    url, body = f"/v1/rollouts/{TASK}/{name}", {"why": "because", "version": V1}
    assert (await client.post(url, json=body)).status_code == 401
    assert (await client.post(url, json=body, headers=AUDITOR)).status_code == 403
    assert await promoter.events() == before


async def test_readers_need_a_token(client: httpx.AsyncClient) -> None:
    for url in ("/v1/rollouts", f"/v1/rollouts/{TASK}", f"/v1/rollouts/{TASK}/history"):
        assert (await client.get(url)).status_code == 401


async def test_an_order_needs_a_reason_and_a_task_that_exists(client: httpx.AsyncClient) -> None:
    for why in ("", "  "):
        assert (await order(client, "stop", why=why)).status_code == 422
    assert (await order(client, "stop", who="somebody else")).status_code == 422
    response = await client.post("/v1/rollouts/tarot/stop", json={"why": "x"}, headers=OPERATOR)
    assert response.status_code == 404


async def test_an_order_that_cannot_be_carried_out_is_a_conflict(
    client: httpx.AsyncClient,
) -> None:
    await order(client, "rollback")
    response = await order(client, "rollback")
    assert response.status_code == 409
    assert "no version to go back to" in response.json()["detail"]


async def say(applied: Applied, service: str, revision: int) -> None:
    said = RolloutsApplied(
        occurred_at=NOW, service=service, process=f"{service}-1", revisions={TASK: revision}
    )
    record = ConsumerRecord(
        *("rollouts.applied.v1", 0, 0, 0, 0, None), said.model_dump_json().encode(), None, 0, 0, ()
    )
    await applied.take(record)


async def test_an_order_says_who_does_not_obey_it(
    client: httpx.AsyncClient, applied: Applied
) -> None:
    before = (await order(client, "stop")).json()
    await say(applied, "inference", before["revision"])
    await say(applied, "confidence_filter", before["revision"] - 1)
    behind = (await client.get(f"/v1/rollouts/{TASK}", headers=AUDITOR)).json()
    await say(applied, "confidence_filter", before["revision"])
    after = (await order(client, "stop")).json()

    assert (before["stopped"], before["applied"]) == (True, False)
    assert before["waiting_for"] == [
        "confidence_filter: no process has been heard",
        "inference: no process has been heard",
    ]
    assert behind["applied"] is False
    assert behind["waiting_for"][0].startswith("confidence_filter on confidence_filter-1: obeys")
    assert (after["applied"], after["waiting_for"]) == (True, [])


class Asked(Applied):
    """Tells when somebody has asked who does not obey."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = asyncio.Event()

    def waiting_for(self, task: str, revision: int) -> tuple[str, ...]:
        self.asked.set()
        return super().waiting_for(task, revision)


async def test_an_order_is_answered_once_everybody_obeys_it(promoter: Promoter) -> None:
    await promoter.settle_first()
    applied, revision = Asked(), (await promoter.rollout()).revision
    viewing = Viewing(promoter.store, LIMITS, applied, apply_seconds=PATIENCE_SECONDS)
    answering = asyncio.create_task(viewing.show_applied(TASK))
    for service in ("inference", "confidence_filter"):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await applied.asked.wait()
        assert not answering.done()
        applied.asked.clear()
        await say(applied, service, revision)

    assert (await answering).waiting_for == ()


async def test_a_machine_stops_and_starts_nothing(
    client: httpx.AsyncClient, promoter: Promoter
) -> None:
    alerts = as_machine("operate")
    url, body = f"/v1/rollouts/{TASK}", {"why": "an alert"}

    for name in ("resume", "start", "promote"):
        content = {**body, "version": V1} if name == "promote" else body
        refused = await client.post(f"{url}/{name}", json=content, headers=alerts)
        assert refused.status_code == 403
        assert "a person who has signed in" in refused.json()["detail"]
    for name in ("pause", "rollback", "stop"):
        assert (await client.post(f"{url}/{name}", json=body, headers=alerts)).status_code == 200

    assert (await promoter.events())[-1].changed_by == "a-operate (machine)"
