"""What has to be there before a service takes an event: what an earlier service would have left."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiokafka import AIOKafkaProducer

from shared.events import DatasetReleased, Event, ModelEvaluated, ModelTrained
from shared.messaging.topics import MODELS_TRAINED
from shared.storage.artifacts import Artifacts, in_thread
from tests.connected.behavior.consumers import PAGE, manifest_of, model_of, report_of


@dataclass(frozen=True)
class Premises:
    """A release and a model have a manifest in object storage, an evaluation its report, and what
    is evaluated has been trained."""

    artifacts: Artifacts
    producer: AIOKafkaProducer

    async def lay(self, events: Iterable[Event]) -> None:
        for event in events:
            if isinstance(event, DatasetReleased):
                content = manifest_of(event.dataset_version)
                await in_thread(self.artifacts.put, event.manifest.uri, content)
            if isinstance(event, ModelTrained | ModelEvaluated):
                content = model_of(event.model.version)
                await in_thread(self.artifacts.put, event.model.manifest.uri, content)
            if isinstance(event, ModelEvaluated):
                await self.report(event)
                await self._train(event)
        await self.producer.flush()

    async def report(self, event: ModelEvaluated) -> None:
        await in_thread(self.artifacts.put, event.report_json.uri, report_of(event))
        await in_thread(self.artifacts.put, event.report_html.uri, PAGE)

    async def _train(self, event: ModelEvaluated) -> None:
        trained = ModelTrained(
            occurred_at=event.occurred_at, task=event.task, model=event.model, run_id="run-1"
        )
        await self.producer.send(
            MODELS_TRAINED.name, trained.model_dump_json().encode(), key=trained.key.encode()
        )
