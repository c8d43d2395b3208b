"""Puts the review queue together."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from services.review_queue.agreement.ratings import Statistics
from services.review_queue.api.account_routes import account_routes
from services.review_queue.api.agreement_routes import statistics_routes
from services.review_queue.api.assignment_routes import assignment_routes, decision_routes
from services.review_queue.api.queue_routes import queue_routes, reviewer_routes
from services.review_queue.handlers import Handlers
from services.review_queue.people.audit import Trail
from services.review_queue.people.identity import Identity
from services.review_queue.people.reviewers import Reviewers
from services.review_queue.people.users import Accounts, SignInLimits, parse_users
from services.review_queue.reading.listing import Listing
from services.review_queue.reading.member_history import History
from services.review_queue.reviewing.assignments import Assignments
from services.review_queue.reviewing.corrections import Corrections
from services.review_queue.reviewing.intake import Intake
from services.review_queue.reviewing.leasing import Leasing, Limits
from services.review_queue.reviewing.notes import Notes
from services.review_queue.reviewing.settlement import Settlement
from services.review_queue.settings import Settings
from services.review_queue.web.case_pages import case_pages
from services.review_queue.web.error_pages import translate
from services.review_queue.web.lead_pages import people_pages, queue_pages
from services.review_queue.web.middleware import BodyLimit, SecurityHeaders
from services.review_queue.web.my_pages import my_pages
from services.review_queue.web.pages import Pages, sign_in_pages, utc_now
from services.review_queue.web.review_pages import review_pages
from shared.auth.tokens import Tokens
from shared.events import DecisionCorrected, DecisionMade, PredictionMade, ReviewRequested
from shared.http.service import create_service, make_parts
from shared.messaging.bus import Bus
from shared.messaging.topics import (
    DECISIONS_CORRECTED,
    DECISIONS_MADE,
    PREDICTIONS_MADE,
    REVIEWS_REQUESTED,
)
from shared.storage.database import Database

NAME = "review_queue"
MIGRATIONS = Path(__file__).parent / "migrations"
STATIC = Path(__file__).parent / "web" / "static"


def create_app(settings: Settings) -> FastAPI:
    parts = make_parts(NAME, settings, migrations=MIGRATIONS, connections=settings.connections)
    database, outbox = parts.database, parts.make_outbox()
    line = Leasing(database, _limits(settings))
    work = Assignments(database, line.limits)
    trail = Trail(database)
    settlement = Settlement(database, outbox)
    listing = Listing(database)
    reviewers = Reviewers(database)
    corrections = Corrections(database, outbox, within=settings.correction)
    notes = Notes(database)
    history = History(database)
    statistics = Statistics(database, correction=settings.correction)
    tokens = Tokens.parse(settings)
    accounts = _accounts(database, settings, tokens)
    users = parse_users(settings.bootstrap_users.get_secret_value())
    pages = Pages(utc_now)
    _consume(
        parts.bus,
        Handlers(Intake(database, settings.shares_of)),
        history,
        batch=settings.batch_records,
    )

    async def create_users() -> None:
        await accounts.create_missing(users)

    secure = settings.secure_cookies
    app = create_service(
        parts,
        outbox=outbox,
        start=[create_users],
        loops=[settlement.run, accounts.prune],
        routers=[
            assignment_routes(line, work),
            decision_routes(corrections, notes),
            queue_routes(listing, trail),
            reviewer_routes(reviewers, trail),
            statistics_routes(statistics, utc_now),
            account_routes(accounts, secure_cookies=secure),
            sign_in_pages(pages, accounts, secure_cookies=secure),
            case_pages(pages, line, history, notes),
            queue_pages(pages, listing, trail),
            review_pages(pages, listing, corrections, notes, trail),
            people_pages(pages, reviewers, statistics),
            my_pages(pages, statistics, corrections, trail),
        ],
    )
    app.state.identify = Identity(accounts, tokens).identify
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders, tls=secure)
    translate(app, pages)
    return app


def _consume(bus: Bus, handlers: Handlers, history: History, *, batch: int) -> None:
    bus.consume(REVIEWS_REQUESTED, handlers.reviews_requested, event=ReviewRequested, batch=batch)
    bus.consume(PREDICTIONS_MADE, history.predictions_made, event=PredictionMade, batch=batch)
    bus.consume(DECISIONS_MADE, history.decisions_made, event=DecisionMade, batch=batch)
    bus.consume(
        DECISIONS_CORRECTED, history.decisions_corrected, event=DecisionCorrected, batch=batch
    )


def _limits(settings: Settings) -> Limits:
    return Limits(
        lease=settings.lease,
        undo=settings.undo,
        skip=settings.skip,
        leases_per_reviewer=settings.leases_per_reviewer,
    )


def _accounts(database: Database, settings: Settings, tokens: Tokens) -> Accounts:
    limits = SignInLimits(
        session=settings.session,
        failures=settings.sign_in_failures,
        failures_of_address=settings.address_failures,
        lockout=settings.lockout,
    )
    reserved = frozenset(principal.name for _, principal in tokens.known)
    return Accounts(database, limits, reserved=reserved)
