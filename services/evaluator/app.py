"""Puts the evaluator together."""

from pathlib import Path

from fastapi import FastAPI

from services.evaluator.handlers import Handlers
from services.evaluator.routes import router
from services.evaluator.settings import Settings
from services.evaluator.store import Store
from services.evaluator.worker import EvaluationWorker
from shared.events import ModelTrained
from shared.http.service import create_service, make_parts
from shared.messaging.topics import MODELS_TRAINED
from shared.runs.leases import process_name
from shared.storage.artifacts import Artifacts

NAME = "evaluator"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS)
    outbox = parts.make_outbox()
    rollouts = parts.make_rollouts()
    store = Store(parts.database, outbox, owner=process_name())
    worker = EvaluationWorker(store, rollouts, settings, parts.health)
    artifacts = Artifacts(settings.engines)
    handlers = Handlers(store, artifacts)
    parts.bus.consume(MODELS_TRAINED, handlers.models_trained, event=ModelTrained, batch=100)
    return create_service(
        parts,
        outbox=outbox,
        rollouts=rollouts,
        obeyed=rollouts.revisions,
        loops=[worker.run],
        routers=[router],
        state={"store": store, "artifacts": artifacts},
    )
