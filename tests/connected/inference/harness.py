"""What a test does to an inference service: change its rollout, hand in cases."""

import asyncio
import itertools
import time
from typing import Any

import httpx

from shared.events import (
    CaseSubmitted,
    PredictionMade,
    RolloutChanged,
    ServedModel,
    TrainedModel,
)
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.settings import EngineSettings
from tests.support.builders.events import NOW, claim_input, rollout
from tests.support.patience import PATIENCE_SECONDS

TOKENS = "svc:submit+observe:service-token-0000,aud:observe:auditor-token-0000"
AS_SERVICE = {"Authorization": "Bearer service-token-0000"}

_REVISIONS = itertools.count(int(time.time()))
_CASES = itertools.count(time.time_ns())


def new_case(**changes: Any) -> dict[str, Any]:
    case = {"case_id": f"case-{next(_CASES)}", "task": "adjudication", "input": claim_input()}
    return {**case, **changes}


async def change(
    settings: EngineSettings, champion: TrainedModel | None, **changes: Any
) -> RolloutChanged:
    """Publish a rollout as the promoter does."""
    changed = rollout(
        revision=next(_REVISIONS),
        champion=ServedModel(model=champion, threshold=0.9) if champion else None,
        **changes,
    )
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.send([encode(changed, source="test")])
    await producer.stop()
    return changed


async def active(client: httpx.AsyncClient, changed: RolloutChanged) -> None:
    """Return once the service answers under this rollout, candidate and all."""
    candidate = changed.candidate.version if changed.candidate else None
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = (await client.get("/v1/models")).json()["tasks"]
            if (changed.revision, candidate) in [(t["revision"], t["candidate"]) for t in found]:
                return
            await asyncio.sleep(0.05)


async def predict(client: httpx.AsyncClient, case: dict[str, Any]) -> PredictionMade:
    response = await client.post("/v1/predictions", json=case)
    assert response.status_code == 200, response.text
    return PredictionMade.model_validate(response.json())


async def submit(settings: EngineSettings, cases: list[dict[str, Any]]) -> None:
    submissions = [CaseSubmitted(**{"occurred_at": NOW, **case}) for case in cases]
    producer = Producer(settings, client_id="test")
    await producer.start()
    await producer.send([encode(submission, source="test") for submission in submissions])
    await producer.stop()
