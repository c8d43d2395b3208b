"""Puts the promoter together."""

from functools import partial
from pathlib import Path

from fastapi import FastAPI

from services.promoter.applied import Applied
from services.promoter.handlers import Handlers
from services.promoter.restating import Restating
from services.promoter.routes import router
from services.promoter.settings import Settings
from services.promoter.store import Store
from services.promoter.trained import TrainedVersions
from shared.events import ModelEvaluated, PredictionMade
from shared.http.service import create_service, make_parts
from shared.messaging.readers.following import Follower
from shared.messaging.recovery import Recovery
from shared.messaging.topics import MODELS_EVALUATED, PREDICTIONS_MADE, ROLLOUTS_APPLIED
from shared.storage.artifacts import Artifacts, in_thread
from shared.storage.evaluation_reports import refuse_unreported

NAME = "promoter"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS)
    outbox = parts.make_outbox()
    store = Store(parts.database, outbox)
    trained = TrainedVersions(settings.engines, service=NAME, health=parts.health)
    artifacts = Artifacts(settings.engines)
    handlers = Handlers(
        store,
        trained.find,
        verify=partial(in_thread, refuse_unreported, artifacts),
        limits=settings.limits,
    )
    rollouts = parts.make_rollouts()
    restating = Restating(store, rollouts, parts.health)
    recovery = Recovery(parts.database, [restating.restore])
    applied = Applied()
    acknowledged = Follower(
        settings.engines,
        parts.health,
        ROLLOUTS_APPLIED,
        client_id=f"caseloop-{NAME}-applied",
        part="acknowledgments",
        take=applied.take,
        from_beginning=False,
    )
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
        rollouts=rollouts,
        start=[recovery.run, restating.tick],
        loops=[
            *(recovery.before(handlers.run), recovery.before(restating.run)),
            *(acknowledged.run, trained.run),
        ],
        routers=[router],
        state={
            "store": store,
            "limits": settings.limits,
            "applied": applied,
            "apply_seconds": settings.apply_seconds,
        },
    )
