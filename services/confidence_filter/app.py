"""Puts the filter together."""

from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from services.confidence_filter.handlers import Handlers
from services.confidence_filter.routing import RoutingSettings
from services.confidence_filter.settings import Settings
from services.confidence_filter.store import Store
from shared.events import PredictionMade
from shared.http.service import create_service, make_parts
from shared.messaging.topics import PREDICTIONS_MADE

NAME = "confidence_filter"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS)
    outbox = parts.make_outbox()
    rollouts = parts.make_rollouts()
    routing = RoutingSettings(settings.audit_rate, settings.key, settings.amount_limit)
    store = Store(parts.database, outbox)
    handlers = Handlers(store, rollouts.of, settings=routing, now=lambda: datetime.now(UTC))
    parts.bus.consume(
        PREDICTIONS_MADE,
        handlers.predictions_made,
        event=PredictionMade,
        batch=settings.batch_records,
    )
    return create_service(
        parts,
        outbox=outbox,
        rollouts=rollouts,
        obeyed=rollouts.revisions,
        start=[store.define_labels],
    )
