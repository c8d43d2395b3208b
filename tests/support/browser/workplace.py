"""The review queue as people meet it: the service in a process of its own, and a browser."""

import asyncio
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

from deploy.database import prepare_database
from deploy.roles import role_passwords
from services.review_queue.app import MIGRATIONS
from services.review_queue.reading.member_history import MemberHistory
from shared.events import DecisionMade, Event, PredictionMade, ReviewRequested
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.messaging.topics import create_topics
from shared.settings import EngineSettings, engine_settings
from shared.storage.database import Database
from tests.support.browser.chromium import chromium
from tests.support.crowd.processes import Process, free_port
from tests.support.patience import PATIENCE_SECONDS

PASSWORD = "a-long-password"
USERS = {
    "amara": "adjudicator",
    "bo": "adjudicator",
    "cleo": "adjudicator",
    "sam": "senior",
    "lee": "lead",
    "ada": "auditor",
}
SCREEN: ViewportSize = {"width": 1280, "height": 800}
_AXE = Axe().axe_script
PATIENCE_MS = PATIENCE_SECONDS * 1000
expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Workplace:
    """Everything that a browser test needs. `errors`: what the pages' consoles complained of."""

    browser: Browser
    process: Process
    settings: EngineSettings
    errors: list[str]

    @property
    def url(self) -> str:
        return self.process.url

    async def publish(self, *events: Event) -> None:
        """Send events over Kafka; reviews are in line when this returns."""
        producer = Producer(self.settings, client_id="test")
        await producer.start()
        await producer.send([encode(event, source="test") for event in events])
        await producer.stop()
        wanted = [event.review_id for event in events if isinstance(event, ReviewRequested)]
        known = "SELECT count(*) = $2 FROM review_queue.reviews WHERE review_id = ANY($1)"
        await self.until(known, wanted, len(set(wanted)))

    async def remember(self, *cases: tuple[PredictionMade, DecisionMade]) -> None:
        """Let the queue know these earlier cases, with decisions of its own."""
        database = Database(self.settings, schema="review_queue", migrations=MIGRATIONS)
        await database.open()
        history = MemberHistory(database)
        await history.predictions_made([prediction for prediction, _ in cases])
        await history.decisions_made([decision for _, decision in cases])
        await database.close()

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.settings.database_url.get_secret_value())
        try:
            found: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return found
        finally:
            await connection.close()

    async def context(self, **options: Any) -> BrowserContext:
        context = await self.browser.new_context(**{"viewport": SCREEN, **options})
        context.set_default_timeout(PATIENCE_MS)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", self._said)
        return context

    def _said(self, message: ConsoleMessage) -> None:
        refused = message.text.startswith("Failed to load resource")  # a page handles these
        if message.type == "error" and not refused:
            self.errors.append(message.text)

    async def sign_in(self, name: str, **options: Any) -> Page:
        """A person in a browser of their own, at the first page, by keyboard alone."""
        page = await (await self.context(**options)).new_page()
        await page.goto(f"{self.url}/sign-in")
        await expect(page.get_by_label("Name")).to_be_focused()
        await page.keyboard.type(name)
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: not url.endswith("/sign-in"))
        return page

    @asynccontextmanager
    async def away(self, page: Page) -> AsyncIterator[None]:
        """Within the block, a page has no network."""
        await page.context.set_offline(True)
        yield
        await page.context.set_offline(False)

    async def expire(self, review_id: str) -> None:
        """Let the lease on a review be over; its seat is back in line when this returns."""
        of_it = "WHERE review_id = $1 AND state = 'leased'"
        over = f"UPDATE review_queue.assignments SET lease_expires_at = now() {of_it}"
        await self.fetch(over, review_id)
        await self.until(f"SELECT NOT EXISTS (SELECT FROM review_queue.seats {of_it})", review_id)

    async def settle(self) -> None:
        """Let the time for undoing be over; what is submitted has left when this returns."""
        submitted = "WHERE state = 'submitted'"
        await self.fetch(f"UPDATE review_queue.seats SET settles_at = now() {submitted}")
        await self.until(f"SELECT NOT EXISTS (SELECT FROM review_queue.seats {submitted})")

    async def until(self, query: str, *arguments: Any) -> None:
        """Wait until a query says true."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await self.fetch(query, *arguments))[0][0]:
                await asyncio.sleep(0.05)

    async def revive(self) -> None:
        """Start the service again where a test that failed has left it killed."""
        if self.process.running is None or self.process.running.poll() is not None:
            await self.process.start()

    async def empty(self) -> None:
        """Take everything out of the queue, and let everybody work."""
        await self.fetch("TRUNCATE review_queue.reviews CASCADE")
        nobody = "paused_by = NULL, paused_why = NULL, paused_at = NULL"
        await self.fetch(f"UPDATE review_queue.users SET {nobody}")


@asynccontextmanager
async def workplace(
    engines: Mapping[str, str], database: str, **settings: object
) -> AsyncIterator[Workplace]:
    """`settings` of the service, without their prefix and in lower case."""
    environment = {
        **engines,
        "DATABASE_URL": database,
        "REVIEW_QUEUE_BOOTSTRAP_USERS": ",".join(f"{n}:{r}:{PASSWORD}" for n, r in USERS.items()),
        **{f"REVIEW_QUEUE_{name.upper()}": str(value) for name, value in settings.items()},
    }
    create_topics(environment["KAFKA_BOOTSTRAP"])
    await prepare_database(database, role_passwords(environment))
    process = Process(environment, free_port())
    await process.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium(), args=_arguments()
            )
            yield Workplace(browser, process, engine_settings(environment), errors=[])
            await browser.close()
    finally:
        await _end(process)


async def _end(process: Process) -> None:
    """With a goodbye, so that Kafka waits for nobody when the next one comes."""
    if process.running is not None:
        process.running.terminate()
        await asyncio.to_thread(process.running.wait, PATIENCE_SECONDS)


def _arguments() -> Sequence[str]:
    return ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's own rule for root


async def complaints(page: Page, *rules: str) -> list[str]:
    """What axe finds against WCAG 2.2 AA on the page as it stands, or against single rules."""
    standards = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": standards}
    if not await page.evaluate("'axe' in window"):  # as long as the page stands, once is enough
        await page.evaluate(_AXE)
    options = {"runOnly": only, "resultTypes": ["violations"]}
    found = await page.evaluate("async (options) => (await axe.run(options)).violations", options)
    return [
        f"{each['id']} ({each['impact']}): {node['html']} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]
