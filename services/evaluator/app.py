"""Puts the evaluator together."""

import os
import socket
from pathlib import Path

from fastapi import FastAPI

from services.evaluator.handlers import Handlers
from services.evaluator.routes import create_routes
from services.evaluator.settings import Settings
from services.evaluator.store import Store
from services.evaluator.worker import Worker
from shared.events import ModelTrained
from shared.health import Health
from shared.http.service import build
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox, Relay
from shared.messaging.rollouts import Rollouts
from shared.messaging.topics import MODELS_TRAINED
from shared.storage.artifacts import Artifacts
from shared.storage.database import Database

NAME = "evaluator"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    health = Health()
    bus = Bus(settings.engines, service=NAME, health=health)
    database = Database(settings.engines, schema=NAME, migrations=MIGRATIONS)
    outbox = Outbox(database, service=NAME)
    relay = Relay(outbox, bus, health)
    rollouts = Rollouts(settings.engines, service=NAME, health=health)
    store = Store(database, outbox, owner=f"{socket.gethostname()}:{os.getpid()}")
    worker = Worker(store, rollouts, settings, health)
    handlers = Handlers(store)
    bus.consume(MODELS_TRAINED, handlers.models_trained, event=ModelTrained, batch=100)
    return build(
        NAME,
        settings,
        bus=bus,
        start=[database.open, outbox.create, rollouts.caught_up],
        loops=[rollouts.run, relay.run, worker.run],
        stop=[database.close],
        routers=[create_routes(store, Artifacts(settings.engines))],
    )
