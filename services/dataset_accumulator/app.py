"""Puts the accumulator together."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI

from services.dataset_accumulator import import_routes, routes
from services.dataset_accumulator.handlers import Handlers
from services.dataset_accumulator.import_routes import ImportDefaults
from services.dataset_accumulator.importing.admission import Admission
from services.dataset_accumulator.importing.import_store import Imports
from services.dataset_accumulator.importing.importer import Importer
from services.dataset_accumulator.releasing.release_store import Releases
from services.dataset_accumulator.releasing.releaser import Releaser, ReleaseSettings
from services.dataset_accumulator.releasing.schedule import Schedule
from services.dataset_accumulator.releasing.waiting_labels import WaitingLabels
from services.dataset_accumulator.settings import Settings
from services.dataset_accumulator.splits import import_splits, read_shares
from services.dataset_accumulator.store import Store
from shared.events import DatasetReleased, DecisionCorrected, DecisionMade, ReviewCompleted
from shared.http.service import create_service, make_parts
from shared.messaging.readers.announced import Announced
from shared.messaging.topics import (
    DATASETS_RELEASED,
    DECISIONS_CORRECTED,
    DECISIONS_MADE,
    REVIEWS_COMPLETED,
)
from shared.storage.artifacts import Artifacts

NAME = "dataset_accumulator"
MIGRATIONS = Path(__file__).parent / "migrations"


def create_app(settings: Settings) -> FastAPI:
    def now() -> datetime:
        return datetime.now(UTC)

    parts = make_parts(NAME, settings, migrations=MIGRATIONS, connections=6)
    outbox = parts.make_outbox()
    allowed = import_splits(may_test=settings.imports_may_test)
    store = Store(parts.database, key=settings.key, import_splits=allowed)
    shares = read_shares(settings.split_shares)
    imports = Imports(parts.database)
    release_settings = ReleaseSettings(
        settings.label_threshold,
        Schedule.parse(settings.release_schedule),
        settings.release_minimum_labels,
    )
    announced = Announced(DatasetReleased, number_of=lambda released: released.number)
    following = announced.follower(
        settings.engines, parts.health, topic=DATASETS_RELEASED, service=NAME
    )
    releaser = Releaser(
        store,
        WaitingLabels(),
        Releases(parts.database, outbox),
        imports,
        announced,
        Artifacts(settings.engines),
        parts.health,
        release_settings,
        now=now,
    )
    admission = Admission(store, imports, needs_confirmation=settings.imports_need_confirmation)
    handlers = Handlers(store, shares=shares)
    batch = settings.batch_records
    parts.bus.consume(
        REVIEWS_COMPLETED, handlers.reviews_completed, event=ReviewCompleted, batch=batch
    )
    parts.bus.consume(
        DECISIONS_CORRECTED, handlers.decisions_corrected, event=DecisionCorrected, batch=batch
    )
    parts.bus.consume(DECISIONS_MADE, handlers.decisions_made, event=DecisionMade, batch=batch)
    return create_service(
        parts,
        outbox=outbox,
        loops=[following.run, releaser.run],
        routers=[routes.router, import_routes.router],
        body_limits={import_routes.router.prefix: settings.import_limit_bytes},
        state={
            "releaser": releaser,
            "importer": Importer(admission),
            "import_defaults": ImportDefaults(
                shares, allowed, new_id=lambda: uuid4().hex[:12], now=now
            ),
        },
    )
