"""What was compared can be looked up, and the report read in a browser."""

from collections.abc import AsyncIterator

import httpx
import pytest

from services.evaluator.app import NAME
from services.evaluator.routes import router
from services.evaluator.settings import Settings
from shared.health import Health
from shared.http.application import create_application
from shared.messaging.bus import Bus
from tests.connected.evaluator.harness import V0, V1, Evaluator, release
from tests.support.builders.events import trained
from tests.support.callers import TOKENS, as_machine, as_person, take_at_their_word

OPERATOR = as_machine("operate")
AUDITOR = as_machine("observe")
ADJUDICATOR = as_person("adjudicator")


@pytest.fixture
async def client(
    evaluator: Evaluator, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[httpx.AsyncClient]:
    monkeypatch.setenv("API_TOKENS", TOKENS)
    settings = Settings()
    bus = Bus(settings.engines, service=NAME, health=Health())  # never started
    state = {"store": evaluator.store, "artifacts": evaluator.artifacts}
    app = create_application(NAME, settings, bus=bus, routers=[router], state=state)
    take_at_their_word(app)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://evaluator") as found:
        yield found


async def test_evaluations_and_their_reports(
    client: httpx.AsyncClient, evaluator: Evaluator
) -> None:
    dataset = release(evaluator.artifacts)
    first, following = (evaluator.train(version, dataset=dataset) for version in (V0, V1))
    await evaluator.take(first, following)
    await evaluator.conclude()
    evaluator.rollouts.serve(first)
    await evaluator.turn()
    listed = (await client.get("/v1/evaluations", headers=AUDITOR)).json()
    assert {(e["candidate"], e["champion"], e["status"]) for e in listed} == {
        (V0, None, "succeeded"),
        (V1, None, "superseded"),
        (V1, V0, "succeeded"),
    }
    (of_first,) = (await client.get(f"/v1/evaluations/{V0}", headers=AUDITOR)).json()
    assert of_first["evaluated"]["verdict"] == "PASS"
    page = await client.get(f"/v1/evaluations/{V1}/report", headers=AUDITOR)
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert V1 in page.text
    missing = await client.get(f"/v1/evaluations/{V1}/report?champion=x-v1", headers=AUDITOR)
    assert missing.status_code == 404


async def test_what_was_never_evaluated_is_not_found(
    client: httpx.AsyncClient, evaluator: Evaluator
) -> None:
    assert (await client.get(f"/v1/evaluations/{V0}", headers=AUDITOR)).status_code == 404
    assert (await client.get(f"/v1/evaluations/{V0}/report", headers=AUDITOR)).status_code == 404
    await evaluator.take(trained(V0))
    await evaluator.worker.queue_comparisons()
    assert (await client.get(f"/v1/evaluations/{V0}/report", headers=AUDITOR)).status_code == 404


async def test_only_a_failed_evaluation_can_be_tried_again(
    client: httpx.AsyncClient, evaluator: Evaluator
) -> None:
    await evaluator.take(trained(V0))  # its dataset does not exist
    url = f"/v1/evaluations/{V0}/retry"
    assert (await client.post(url, headers=OPERATOR)).status_code == 409
    await evaluator.turn()
    assert (await client.post(url, headers=OPERATOR)).json() == {"queued": 1}
    assert (await client.post(url, headers=AUDITOR)).status_code == 403


async def test_readers_need_a_token(client: httpx.AsyncClient) -> None:
    for url in ("/v1/evaluations", f"/v1/evaluations/{V0}", f"/v1/evaluations/{V0}/report"):
        assert (await client.get(url)).status_code == 401
        assert (await client.get(url, headers=ADJUDICATOR)).status_code == 403
