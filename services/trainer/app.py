"""Puts the trainer together."""

from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from services.trainer.handlers import Handlers
from services.trainer.routes import router
from services.trainer.settings import Settings
from services.trainer.store import Store, number_of
from services.trainer.worker import TrainingWorker
from shared.events import DatasetReleased, ModelTrained
from shared.http.service import create_service, make_parts
from shared.messaging.readers.announced import Announced
from shared.messaging.topics import DATASETS_RELEASED, MODELS_TRAINED
from shared.runs.leases import process_name
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import ModelCache

NAME = "trainer"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS)
    outbox = parts.make_outbox()
    announced = Announced(ModelTrained, number_of=number_of)
    following = announced.follower(
        settings.engines, parts.health, topic=MODELS_TRAINED, service=NAME
    )
    store = Store(parts.database, outbox, announced, owner=process_name())
    artifacts = Artifacts(settings.engines)
    worker = TrainingWorker(
        store,
        artifacts,
        ModelCache(artifacts, settings.work_directory / "base-models"),
        settings,
        now=lambda: datetime.now(UTC),
    )
    handlers = Handlers(store, artifacts)
    parts.bus.consume(
        DATASETS_RELEASED, handlers.datasets_released, event=DatasetReleased, batch=100
    )
    return create_service(
        parts,
        outbox=outbox,
        loops=[following.run, *[worker.run] * settings.max_concurrent_runs],
        routers=[router],
        state={"store": store},
    )
