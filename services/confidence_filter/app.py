"""Puts the filter together."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from services.confidence_filter.handlers import Handlers
from services.confidence_filter.restoring import Restoring
from services.confidence_filter.routing import RoutingSettings
from services.confidence_filter.settings import Settings
from services.confidence_filter.store import Store
from shared.events import DecisionMade, PredictionMade, ReviewRequested
from shared.http.service import create_service, make_parts
from shared.messaging.recovery import Recovery, Step, take_over
from shared.messaging.topics import PREDICTIONS_MADE
from shared.settings import EngineSettings

NAME = "confidence_filter"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS)
    outbox = parts.make_outbox()
    rollouts = parts.make_rollouts()
    routing = RoutingSettings(settings.audit_rate, settings.key, settings.amount_limit)
    store = Store(parts.database, outbox)
    handlers = Handlers(store, rollouts.of, settings=routing, now=lambda: datetime.now(UTC))
    steps = take_over_steps(Restoring(parts.database), settings.engines)
    recovery = Recovery(parts.database, steps)
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
        start=[store.define_labels, recovery.run],
    )


def take_over_steps(restoring: Restoring, engines: EngineSettings) -> Sequence[Step]:
    """Requests are read twice: what repeats another comes behind it."""
    return (
        take_over(DecisionMade, restoring.take_decisions, engines=engines, service=NAME),
        take_over(ReviewRequested, restoring.take_requests, engines=engines, service=NAME),
        take_over(ReviewRequested, restoring.take_repetitions, engines=engines, service=NAME),
    )
