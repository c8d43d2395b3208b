"""Puts the promoter together."""

from pathlib import Path

from fastapi import FastAPI

from services.promoter.handlers import Handlers
from services.promoter.routes import create_routes
from services.promoter.settings import Settings
from services.promoter.store import Store
from shared.events import ModelEvaluated, PredictionMade
from shared.health import Health
from shared.http.service import build
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox, Relay
from shared.messaging.topics import MODELS_EVALUATED, PREDICTIONS_MADE
from shared.storage.database import Database

NAME = "promoter"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    health = Health()
    bus = Bus(settings.engines, service=NAME, health=health)
    database = Database(settings.engines, schema=NAME, migrations=MIGRATIONS)
    outbox = Outbox(database, service=NAME)
    relay = Relay(outbox, bus, health)
    store = Store(database, outbox)
    handlers = Handlers(store, limits=settings.limits)
    bus.consume(MODELS_EVALUATED, handlers.models_evaluated, event=ModelEvaluated, batch=100)
    bus.consume(
        PREDICTIONS_MADE,
        handlers.predictions_made,
        event=PredictionMade,
        batch=settings.batch_records,
    )
    return build(
        NAME,
        settings,
        bus=bus,
        start=[database.open, outbox.create],
        loops=[relay.run, handlers.run],
        stop=[database.close],
        routers=[create_routes(store, settings.limits)],
    )
