"""Puts the inference service together."""

from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from services.inference.batching import MicroBatcher
from services.inference.handlers import Handlers
from services.inference.intake import Intake
from services.inference.prediction import Predictor
from services.inference.routes import create_routes
from services.inference.serving import Serving
from services.inference.settings import Settings
from shared.events import CaseSubmitted
from shared.health import Health
from shared.http.service import build
from shared.messaging.bus import Bus
from shared.messaging.rollouts import Rollouts
from shared.messaging.topics import CASES_SUBMITTED
from shared.models.pool import ModelPool
from shared.storage.artifacts import Artifacts
from shared.storage.database import Database
from shared.storage.model_registry import ModelCache

NAME = "inference"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    def now() -> datetime:
        return datetime.now(UTC)

    health = Health()
    bus = Bus(settings.engines, service=NAME, health=health)
    database = Database(settings.engines, schema=NAME, migrations=MIGRATIONS)
    rollouts = Rollouts(settings.engines, service=NAME, health=health)
    cache = ModelCache(Artifacts(settings.engines), settings.model_cache)
    serving = Serving(ModelPool(cache, settings.device), health)
    rollouts.on_change(serving.want)
    predictor = Predictor(serving, now)
    batcher = MicroBatcher(predictor, settings.batch_seconds, settings.waiting_cases)
    handlers = Handlers(Intake(database), batcher, bus)
    bus.consume(
        CASES_SUBMITTED,
        handlers.cases_submitted,
        event=CaseSubmitted,
        batch=settings.batch_records,
    )
    return build(
        NAME,
        settings,
        bus=bus,
        start=[database.open, rollouts.caught_up, serving.settled],
        loops=[rollouts.run, serving.run, batcher.run],
        stop=[database.close],
        routers=[create_routes(handlers, serving, now)],
    )
