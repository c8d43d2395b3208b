"""The inference service on real engines, with real scikit-learn models in object storage."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from minio import Minio

from shared.events import CaseRejected, PredictionMade, ServedModel, TrainedModel
from shared.health import Health
from shared.messaging.topics import CASES_REJECTED, PREDICTIONS_MADE
from shared.settings import EngineSettings
from shared.storage.artifacts import MODELS, Artifacts, split_uri
from shared.storage.model_registry import ModelManifest
from tests.connected.inference.harness import active, change, new_case, predict, submit
from tests.support.builders.events import claim_input
from tests.support.engines.topics import events_of
from tests.support.models.linear import store_linear_model
from tests.support.patience import PATIENCE_SECONDS

AS_AUDITOR = {"Authorization": "Bearer auditor-token-0000"}


async def test_without_a_champion_a_case_is_not_lost(
    client: httpx.AsyncClient, settings: EngineSettings
) -> None:
    case = new_case(task="independent_review", input={"reference_id": "R-1", "report_year": 2012})

    prediction = await predict(client, case)

    assert prediction.answering_version is None
    assert prediction.scores == ()
    published = await events_of(
        settings.kafka_bootstrap,
        PREDICTIONS_MADE,
        PredictionMade,
        wanted=lambda event: event.case.case_id == case["case_id"],
        count=1,
    )
    assert {event.event_id for event in published} == {prediction.event_id}


async def test_a_record_that_is_refused_tells_its_sender(
    client: httpx.AsyncClient, settings: EngineSettings
) -> None:
    case = new_case(claim_id="ENVELOPE-A")  # the input names another
    await submit(settings, [case])

    assert await told_of(case, settings) == {(case["case_id"], "claim_id")}
    refused = await client.post("/v1/predictions", json=case)
    assert (refused.status_code, refused.json()["field"]) == (422, "claim_id")


async def test_nobody_hands_a_case_in_later_than_now(
    client: httpx.AsyncClient, settings: EngineSettings
) -> None:
    """A sender could choose the day by which a service counts as rendered. Over HTTP they name
    none: it is ours."""
    coming = datetime.now(UTC) + timedelta(days=2)  # tomorrow may be today by then
    case = new_case(occurred_at=coming, input=claim_input(service_date=coming.date().isoformat()))
    await submit(settings, [case])

    assert await told_of(case, settings) == {(case["case_id"], "occurred_at")}
    del case["occurred_at"]
    assert (await predict(client, case)).case.standing == "open"


async def told_of(case: dict[str, Any], settings: EngineSettings) -> set[tuple[str, str | None]]:
    """Key and field of what the sender of a refused case reads, as often as it may come."""
    told = await events_of(
        settings.kafka_bootstrap,
        CASES_REJECTED,
        CaseRejected,
        wanted=lambda event: event.case_id == case["case_id"],
        count=1,
    )
    return {(event.key, event.field) for event in told}


async def test_the_champion_answers(
    client: httpx.AsyncClient, settings: EngineSettings, first: TrainedModel
) -> None:
    changed = await change(settings, first)
    await active(client, changed)

    prediction = await predict(client, new_case(reasoning_requested=True))

    answer = prediction.answer
    assert answer is not None
    assert answer.version == "adjudication-v1.0"
    assert abs(sum(answer.probabilities.values()) - 1.0) < 1e-6
    assert answer.adapter_sha256 == first.manifest.sha256
    assert prediction.rollout_revision == changed.revision
    assert prediction.reasoning


async def test_in_shadow_both_score_and_the_champion_answers(
    client: httpx.AsyncClient,
    settings: EngineSettings,
    first: TrainedModel,
    second: TrainedModel,
) -> None:
    candidate = ServedModel(model=second, threshold=0.9)
    changed = await change(settings, first, candidate=candidate, stage="shadow")
    await active(client, changed)

    prediction = await predict(client, new_case())

    assert {score.version for score in prediction.scores} == {first.version, second.version}
    assert prediction.answering_version == first.version
    assert prediction.failed_versions == ()


async def test_a_candidate_that_cannot_be_loaded_never_holds_up_the_champion(
    client: httpx.AsyncClient, settings: EngineSettings, first: TrainedModel
) -> None:
    missing = first.model_copy(
        update={
            "version": "adjudication-v1.7",
            "manifest": first.manifest.model_copy(
                update={
                    "uri": f"s3://{MODELS}/adjudication/adjudication-v1.7/manifest.json",
                    "sha256": "7" * 64,
                }
            ),
        }
    )
    candidate = ServedModel(model=missing, threshold=0.9)
    changed = await change(settings, first, candidate=candidate, stage="canary", share=1.0)
    await active(client, changed)

    prediction = await predict(client, new_case())

    assert prediction.answering_version == first.version
    assert prediction.failed_versions == ("adjudication-v1.7",)
    assert "missing" in (await client.get("/v1/models")).json()["alerts"]["model adjudication-v1.7"]


@pytest.mark.parametrize("damage", ["truncated", "other bytes", "missing file"])
async def test_a_damaged_champion_is_refused_and_the_old_one_serves_on(
    client: httpx.AsyncClient,
    settings: EngineSettings,
    artifacts: Artifacts,
    first: TrainedModel,
    tmp_path: Path,
    damage: str,
) -> None:
    before = await change(settings, first)
    await active(client, before)
    version = f"adjudication-v2.{damage.replace(' ', '-')}"
    damaged = store_linear_model(artifacts, tmp_path, version)
    files = ModelManifest.model_validate_json(artifacts.get(damaged.manifest)).files
    uri = next(files[name].uri for name in files if name.endswith(".npz"))
    content = artifacts.read(uri)
    if damage == "missing file":
        remove_object(settings, uri)
    else:
        artifacts.put(uri, content[:-100] if damage == "truncated" else b"x" * len(content))

    await change(settings, damaged)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while f"model {version}" not in (await client.get("/v1/models")).json()["alerts"]:
            await asyncio.sleep(0.05)
    prediction = await predict(client, new_case())

    assert prediction.answering_version == first.version
    assert prediction.rollout_revision == before.revision


def remove_object(settings: EngineSettings, uri: str) -> None:
    client = Minio(
        settings.s3_endpoint,
        access_key=settings.s3_access_key,
        secret_key=settings.s3_secret_key.get_secret_value(),
        secure=settings.s3_secure,
    )
    client.remove_object(*split_uri(uri))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"input": {}}, "input.claim_id"),
        ({"input": claim_input() | {"billed_amount": "-1"}}, "input.billed_amount"),
        ({"input": claim_input() | {"diagnosis_codes": ["not a code"]}}, "input.diagnosis_codes.0"),
        ({"input": claim_input() | {"provider_npi": "12"}}, "input.provider_npi"),
        ({"task": "astrology"}, "task"),
        ({"case_id": "two words"}, "case_id"),
        ({"attempt": 0}, "attempt"),
        ({"surprise": 1}, "surprise"),
    ],
)
async def test_an_invalid_claim_gets_422_that_names_the_field(
    client: httpx.AsyncClient, changes: dict[str, Any], field: str
) -> None:
    response = await client.post("/v1/predictions", json=new_case(**changes))

    assert response.status_code == 422
    assert response.json()["field"] == field
    assert response.json()["detail"]


async def test_the_same_case_again_is_answered_and_other_content_refused(
    client: httpx.AsyncClient,
) -> None:
    case = new_case()
    once, twice = await predict(client, case), await predict(client, case)
    other = await client.post(
        "/v1/predictions", json={**case, "input": claim_input(billed_amount="1.00")}
    )

    assert once.event_id == twice.event_id
    assert other.status_code == 409
    assert other.json()["field"] == "case_id"


@pytest.mark.parametrize("path", ["/v1/predictions", "/v1/models"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Authorization": ""}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": "Basic c3ZjOnNlcnZpY2U="}, 401),
    ],
)
async def test_nobody_without_a_token(
    client: httpx.AsyncClient, path: str, headers: dict[str, str], status: int
) -> None:
    method = "GET" if path == "/v1/models" else "POST"
    response = await client.request(method, path, headers=headers, json=new_case())

    assert response.status_code == status


async def test_an_auditor_may_look_and_not_submit(client: httpx.AsyncClient) -> None:
    response = await client.post("/v1/predictions", headers=AS_AUDITOR, json=new_case())

    assert response.status_code == 403
    assert (await client.get("/v1/models", headers=AS_AUDITOR)).status_code == 200


async def test_health_tells_reasons(app: FastAPI, client: httpx.AsyncClient) -> None:
    health: Health = app.state.bus.health
    health.waiting("test", "something is away")
    waiting = await client.get("/health/ready")
    health.ready("test")
    afterwards = await client.get("/health/ready")

    assert waiting.status_code == 503
    assert "something is away" in waiting.json()["reason"]
    # another part may be waiting just now, for a broker that moves a partition
    assert "something is away" not in afterwards.text
