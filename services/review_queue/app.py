"""Puts the review queue together."""

from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from services.review_queue.agreement.ratings import Statistics
from services.review_queue.api import (
    account_routes,
    agreement_routes,
    assignment_routes,
    queue_routes,
)
from services.review_queue.api.state import QueueState
from services.review_queue.handlers import Handlers
from services.review_queue.own_topics import OwnTopics
from services.review_queue.people.audit import AuditTrail
from services.review_queue.people.identity import Identity
from services.review_queue.people.users import Accounts, SignInLimits, parse_users
from services.review_queue.reading.listing import Listing
from services.review_queue.reading.member_history import MemberHistory
from services.review_queue.reviewing.assignments import Assignments
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.leasing import Leasing, Limits
from services.review_queue.reviewing.notes import Notes
from services.review_queue.reviewing.restoring import Restoring
from services.review_queue.reviewing.reviewers import Reviewers
from services.review_queue.reviewing.settlement import Settlement
from services.review_queue.settings import Settings
from services.review_queue.web import (
    case_pages,
    my_pages,
    password_pages,
    people_pages,
    queue_pages,
    review_pages,
    sign_in_pages,
)
from services.review_queue.web.error_pages import translate
from services.review_queue.web.middleware import SecurityHeaders
from services.review_queue.web.pages import Pages, utc_now
from shared.auth.tokens import ApiTokens
from shared.events import (
    DecisionCorrected,
    DecisionMade,
    PredictionMade,
    ReviewCompleted,
    ReviewRequested,
)
from shared.http.service import create_service, make_parts
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox
from shared.messaging.recovery import Recovery, Step, take_over
from shared.messaging.topics import (
    DECISIONS_CORRECTED,
    DECISIONS_MADE,
    PREDICTIONS_MADE,
    REVIEWS_COMPLETED,
    REVIEWS_REQUESTED,
)
from shared.settings import EngineSettings
from shared.storage.database import Database

NAME = "review_queue"
MIGRATIONS = Path(__file__).parent / "migrations"
STATIC = Path(__file__).parent / "web" / "static"
ROUTERS = (
    assignment_routes.router,
    assignment_routes.reviews_router,
    queue_routes.router,
    queue_routes.lead_router,
    agreement_routes.router,
    account_routes.router,
    sign_in_pages.router,
    case_pages.router,
    queue_pages.router,
    review_pages.router,
    people_pages.router,
    my_pages.router,
    password_pages.router,
)


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS, connections=settings.connections)
    database, outbox = parts.database, parts.make_outbox()
    settlement = Settlement(database, outbox)
    tokens = ApiTokens.parse(settings)
    queue = _queue_state(database, outbox, settings=settings, tokens=tokens)
    users = [
        *parse_users(
            settings.bootstrap_users.get_secret_value(), setting="REVIEW_QUEUE_BOOTSTRAP_USERS"
        ),
        *parse_users(
            settings.simulated_users.get_secret_value(),
            setting="REVIEW_QUEUE_SIMULATED_USERS",
            simulated=True,
        ),
    ]
    pages = Pages(utc_now)
    restoring = Restoring(database, outbox)
    intake = Intake(database, settings.shares_of, settings.key, restoring=restoring)
    handlers = Handlers(intake, OwnTopics(database), queue.history)
    _consume(parts.bus, handlers, batch=settings.batch_records)
    recovery = Recovery(database, take_over_steps(restoring, settings.engines))

    async def create_users() -> None:
        await queue.accounts.create_missing(users)

    app = create_service(
        parts,
        outbox=outbox,
        start=[recovery.run, create_users],
        loops=[recovery.before(settlement.run), queue.accounts.prune],
        routers=ROUTERS,
        state={
            **vars(queue),
            "pages": pages,
            "identify": Identity(queue.accounts, tokens).identify,
        },
    )
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(SecurityHeaders, tls=settings.secure_cookies)
    translate(app)
    return app


def take_over_steps(restoring: Restoring, engines: EngineSettings) -> Sequence[Step]:
    """Decisions first, and what corrects them then."""
    return (
        take_over(ReviewCompleted, restoring.take, engines=engines, service=NAME),
        take_over(DecisionCorrected, restoring.take, engines=engines, service=NAME),
    )


def _queue_state(
    database: Database, outbox: Outbox, *, settings: Settings, tokens: ApiTokens
) -> QueueState:
    limits = _limits(settings)
    return QueueState(
        leasing=Leasing(database, limits),
        assignments=Assignments(database, limits),
        corrections=Corrections(database, outbox, within=settings.correction),
        notes=Notes(database),
        history=MemberHistory(database),
        listing=Listing(database),
        statistics=Statistics(database, correction=settings.correction),
        reviewers=Reviewers(database),
        accounts=_accounts(database, settings, tokens),
        trail=AuditTrail(database),
        clock=utc_now,
        secure_cookies=settings.secure_cookies,
    )


def _consume(bus: Bus, handlers: Handlers, *, batch: int) -> None:
    bus.consume(REVIEWS_REQUESTED, handlers.reviews_requested, event=ReviewRequested, batch=batch)
    bus.consume(PREDICTIONS_MADE, handlers.predictions_made, event=PredictionMade, batch=batch)
    bus.consume(REVIEWS_COMPLETED, handlers.reviews_completed, event=ReviewCompleted, batch=batch)
    bus.consume(DECISIONS_MADE, handlers.decisions_made, event=DecisionMade, batch=batch)
    bus.consume(
        DECISIONS_CORRECTED, handlers.decisions_corrected, event=DecisionCorrected, batch=batch
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        lease=settings.lease,
        undo=settings.undo,
        skip=settings.skip,
        leases_per_reviewer=settings.leases_per_reviewer,
    )


def _accounts(database: Database, settings: Settings, tokens: ApiTokens) -> Accounts:
    limits = SignInLimits(
        session=settings.session,
        failures=settings.sign_in_failures,
        failures_of_address=settings.address_failures,
        lockout=settings.lockout,
    )
    reserved = frozenset(token.name for token in tokens.known)
    return Accounts(database, limits, reserved=reserved)
