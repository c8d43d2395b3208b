"""Puts the filter together."""

from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from services.confidence_filter.handlers import Handlers
from services.confidence_filter.routing import RoutingSettings
from services.confidence_filter.settings import Settings
from services.confidence_filter.store import Store
from shared.events import PredictionMade
from shared.health import Health
from shared.http.service import build
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox, Relay
from shared.messaging.rollouts import Rollouts
from shared.messaging.topics import PREDICTIONS_MADE
from shared.storage.database import Database

NAME = "confidence_filter"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    health = Health()
    bus = Bus(settings.engines, service=NAME, health=health)
    database = Database(settings.engines, schema=NAME, migrations=MIGRATIONS)
    outbox = Outbox(database, service=NAME)
    relay = Relay(outbox, bus, health)
    rollouts = Rollouts(settings.engines, service=NAME, health=health)
    routing = RoutingSettings(settings.audit_rate, settings.audit_salt)
    handlers = Handlers(
        Store(database, outbox), rollouts.of, settings=routing, now=lambda: datetime.now(UTC)
    )
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
        start=[database.open, outbox.create, rollouts.caught_up],
        loops=[rollouts.run, relay.run],
        stop=[database.close],
    )
