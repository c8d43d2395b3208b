"""The review queue as people meet it: the service in a process of its own, and a browser."""

import asyncio
import os
import socket
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
    async_playwright,
)

from shared.encoding import encode
from shared.events import Event, ReviewRequested
from shared.sender import Sender
from shared.settings import EngineSettings, engine_settings
from shared.topics import create_topics
from tests.support.chromium import chromium
from tests.support.crowd import Process

PASSWORD = "a-long-password"
USERS = {
    "amara": "adjudicator",
    "bo": "adjudicator",
    "cleo": "adjudicator",
    "sam": "senior",
    "lee": "lead",
    "ada": "auditor",
}
SCREEN = {"width": 1280, "height": 800}


@dataclass
class Workplace:
    """Everything that a morning needs. `errors`: what the pages' consoles complained of."""

    browser: Browser
    process: Process
    settings: EngineSettings
    errors: list[str]

    @property
    def url(self) -> str:
        return self.process.url

    async def publish(self, *events: Event) -> None:
        """Send events over Kafka; reviews are in line when this returns."""
        sender = Sender(self.settings, client_id="test")
        await sender.start()
        await sender.send([encode(event, source="test") for event in events])
        await sender.stop()
        wanted = [event.review_id for event in events if isinstance(event, ReviewRequested)]
        known = "SELECT review_id FROM review_queue.reviews WHERE review_id = ANY($1)"
        async with asyncio.timeout(60):
            while len(await self.fetch(known, wanted)) < len(set(wanted)):
                await asyncio.sleep(0.1)

    async def fetch(self, query: str, *arguments: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.settings.database_url.get_secret_value())
        try:
            found: list[asyncpg.Record] = await connection.fetch(query, *arguments)
            return found
        finally:
            await connection.close()

    async def context(self, **options: Any) -> BrowserContext:
        context = await self.browser.new_context(**{"viewport": SCREEN, **options})
        context.set_default_timeout(15_000)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        context.on("console", self._said)
        return context

    def _said(self, message: ConsoleMessage) -> None:
        refused = message.text.startswith("Failed to load resource")  # a page handles these
        if message.type == "error" and not refused:
            self.errors.append(message.text)

    async def sign_in(self, name: str, **options: Any) -> Page:
        """A person in a browser of his own, at the first page. He uses the keyboard."""
        page = await (await self.context(**options)).new_page()
        await page.goto(f"{self.url}/sign-in")
        await page.keyboard.type(name)
        await page.keyboard.press("Tab")
        await page.keyboard.type(PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url(lambda url: not url.endswith("/sign-in"))
        return page

    async def empty(self) -> None:
        """Take everything out of the queue."""
        await self.fetch("TRUNCATE review_queue.reviews CASCADE")


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
    process = Process(environment, _free_port())
    await process.start()
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(
                executable_path=chromium(), args=_arguments()
            )
            yield Workplace(browser, process, engine_settings(environment), errors=[])
            await browser.close()
    finally:
        process.kill()


def _arguments() -> Sequence[str]:
    return ["--no-sandbox"] if os.geteuid() == 0 else []  # Chromium's own rule for root


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
    return port


async def complaints(page: Page) -> list[str]:
    """What axe finds against WCAG 2.2 AA on the page as it stands."""
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
    options = {"runOnly": rules, "resultTypes": ["violations"]}
    found = await Axe().run(page, options=options)
    return [
        f"{each['id']} ({each['impact']}): {node['html']} {node['failureSummary']}"
        for each in found.response["violations"]
        for node in each["nodes"]
    ]
