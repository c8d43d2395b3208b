"""Puts the trainer together."""

import os
import socket
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from services.trainer.handlers import Handlers
from services.trainer.routes import create_routes
from services.trainer.settings import Settings
from services.trainer.store import Store
from services.trainer.worker import Worker
from shared.events import DatasetReleased
from shared.health import Health
from shared.http.service import build
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox, Relay
from shared.messaging.topics import DATASETS_RELEASED
from shared.storage.artifacts import Artifacts
from shared.storage.database import Database
from shared.storage.model_registry import ModelCache

NAME = "trainer"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    health = Health()
    bus = Bus(settings.engines, service=NAME, health=health)
    database = Database(settings.engines, schema=NAME, migrations=MIGRATIONS)
    outbox = Outbox(database, service=NAME)
    store = Store(database, outbox, owner=f"{socket.gethostname()}:{os.getpid()}")
    artifacts = Artifacts(settings.engines)
    worker = Worker(
        store,
        artifacts,
        ModelCache(artifacts, settings.work_directory / "base-models"),
        settings,
        now=lambda: datetime.now(UTC),
    )
    handlers = Handlers(store)
    bus.consume(DATASETS_RELEASED, handlers.datasets_released, event=DatasetReleased, batch=100)
    return build(
        NAME,
        settings,
        bus=bus,
        start=[database.open, outbox.create],
        loops=[Relay(outbox, bus, health).run, *[worker.run] * settings.max_concurrent_runs],
        stop=[database.close],
        routers=[create_routes(store)],
    )
