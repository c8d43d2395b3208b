"""Cases that are too long for the model: a human decides them."""

import httpx
import pytest

from shared.events import PredictionMade, TrainedModel
from shared.messaging.topics import PREDICTIONS_MADE
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import base_uri, model_uri, store_model
from tests.connected.inference.harness import active, change, new_case, predict, submit
from tests.support.builders.events import NOW, claim_input, trained
from tests.support.engines.topics import events_of
from tests.support.models.tiny_adapters import save_tiny_adapter
from tests.support.models.tiny_base_model import save_tiny_base

# What matters stands at the end, where a note that is cut would not show it.
_LONG_NOTE = f"{'word ' * 1500}Wrong patient, the service was never performed."


@pytest.fixture(scope="module")
def small(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> TrainedModel:
    """A language model, small enough for a test, that could read more than it is let."""
    version, directory = "adjudication-v1.2", tmp_path_factory.mktemp("small")
    base = save_tiny_base(directory / "base", positions=16_384)
    store_model(artifacts, base, base_uri("tiny"), created_at=NOW, about={})
    adapter = save_tiny_adapter(base, directory / "adapter", seed=1)
    uri = model_uri("adjudication", version)
    manifest = store_model(artifacts, adapter, uri, created_at=NOW, about={})
    return trained(
        version,
        backend="transformers",
        base_model="tiny",
        manifest=manifest,
        longest_prompt_tokens=1000,
    )


async def test_a_case_too_long_for_the_model_is_lost_neither_over_http_nor_over_kafka(
    client: httpx.AsyncClient, settings: EngineSettings, small: TrainedModel
) -> None:
    changed = await change(settings, small)
    await active(client, changed)
    long, short = claim_input(clinical_note=_LONG_NOTE), claim_input()
    by_http = new_case(input=long, reasoning_requested=True)
    by_kafka = [new_case(input=long if n == 1 else short) for n in range(3)]

    answer = await predict(client, by_http)
    await submit(settings, by_kafka)
    names = [case["case_id"] for case in (by_http, *by_kafka)]
    published = await events_of(
        settings.kafka_bootstrap,
        PREDICTIONS_MADE,
        PredictionMade,
        wanted=lambda event: event.case.case_id in names,
        count=len(names),
    )

    assert answer.rollout_revision == changed.revision
    found = {e.case.case_id: (e.answering_version, e.failed_versions) for e in published}
    unread, well = (None, (small.version,)), (small.version, ())
    assert [found.get(name) for name in names] == [unread, well, unread, well]
