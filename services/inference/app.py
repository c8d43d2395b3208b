"""Puts the inference service together."""

from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI

from services.inference.handlers import Handlers
from services.inference.intake import Intake
from services.inference.predictor import Predictor
from services.inference.routes import router
from services.inference.serving import Serving
from services.inference.settings import Settings
from shared.events import CaseSubmitted
from shared.http.service import create_service, make_parts
from shared.messaging.topics import CASES_SUBMITTED
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
    serving = Serving(cache, parts.health, settings.device, settings.longest_prompt_tokens)
    rollouts.on_change(serving.want)
    predictor = Predictor(serving, settings.batch_seconds, settings.waiting_cases, now)
    handlers = Handlers(Intake(parts.database), predictor, parts.bus)
    parts.bus.consume(
        CASES_SUBMITTED,
        handlers.cases_submitted,
        event=CaseSubmitted,
        batch=settings.batch_records,
    )
    return create_service(
        parts,
        rollouts=rollouts,
        start=[serving.settled],
        loops=[serving.run, predictor.run],
        routers=[router],
        state={"handlers": handlers, "serving": serving, "now": now},
    )
