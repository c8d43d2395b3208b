"""Puts the inference service together."""

from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from fastapi import FastAPI

from services.inference.batching import MicroBatcher
from services.inference.handlers import Handlers
from services.inference.intake import Intake
from services.inference.prediction import Predictor
from services.inference.rejections import case_rejected
from services.inference.routes import router
from services.inference.serving import Serving
from services.inference.settings import Settings
from shared.events import CaseSubmitted
from shared.http.service import create_service, make_parts
from shared.messaging.topics import CASES_SUBMITTED
from shared.models.pool import ModelPool
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import ModelCache

NAME = "inference"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    def now() -> datetime:
        return datetime.now(UTC)

    parts = make_parts(NAME, settings, migrations=MIGRATIONS)
    rollouts = parts.make_rollouts()
    cache = ModelCache(Artifacts(settings.engines), settings.model_cache)
    serving = Serving(ModelPool(cache, settings.device), parts.health)
    rollouts.on_change(serving.want)
    predictor = Predictor(serving, now, settings.key)
    batcher = MicroBatcher(predictor, settings.batch_seconds, settings.waiting_cases)
    handlers = Handlers(Intake(parts.database), batcher, parts.bus, now=now)
    parts.bus.consume(
        CASES_SUBMITTED,
        handlers.cases_submitted,
        event=CaseSubmitted,
        batch=settings.batch_records,
        rejection=partial(case_rejected, now=now),
    )
    return create_service(
        parts,
        rollouts=rollouts,
        obeyed=serving.revisions,
        start=[serving.settled],
        loops=[serving.run, batcher.run],
        routers=[router],
        state={"handlers": handlers, "serving": serving, "now": now},
    )
