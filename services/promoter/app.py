"""Puts the promoter together."""

from pathlib import Path

from fastapi import FastAPI

from services.promoter.handlers import Handlers
from services.promoter.routes import router
from services.promoter.settings import Settings
from services.promoter.store import Store
from shared.events import ModelEvaluated, PredictionMade
from shared.http.service import create_service, make_parts
from shared.messaging.topics import MODELS_EVALUATED, PREDICTIONS_MADE

NAME = "promoter"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS)
    outbox = parts.make_outbox()
    store = Store(parts.database, outbox)
    handlers = Handlers(store, limits=settings.limits)
    parts.bus.consume(MODELS_EVALUATED, handlers.models_evaluated, event=ModelEvaluated, batch=100)
    parts.bus.consume(
        PREDICTIONS_MADE,
        handlers.predictions_made,
        event=PredictionMade,
        batch=settings.batch_records,
    )
    return create_service(
        parts,
        outbox=outbox,
        loops=[handlers.run],
        routers=[router],
        state={"store": store, "limits": settings.limits},
    )
