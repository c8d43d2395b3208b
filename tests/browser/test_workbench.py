"""An adjudicator's morning in a real browser: the keyboard, drafts, what is withheld, what is lost.

The service runs in a process of its own, on PostgreSQL and Kafka; requests come in by Kafka.
"""

import asyncio
import json
from collections.abc import Sequence
from statistics import median

import pytest
from playwright.async_api import Page, expect

from deploy.simulation import SimulatedClaim
from services.review_queue.reviews import Shares
from shared.events import ReviewRequested
from tests.support.browser import PASSWORD, Workplace
from tests.support.claims_in_line import asked, claims, earlier
from tests.support.desk import STOPWATCH, Desk

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SHARES = Shares(overlap=0, withheld=0.2)  # as the service of these tests has it
_fresh = {label: claims(label, start=start) for start, label in ((0, "APPROVED"), (3000, "DENIED"))}


def in_line(number: int, label: str = "APPROVED", *, withheld: bool = False) -> list[ReviewRequested]:
    """So many new requests, the first one first in line, withheld or not as wanted."""
    found: list[ReviewRequested] = []
    while len(found) < number:
        request = asked(next(_fresh[label]), minutes=900 - len(found))
        if SHARES.withholds(request.review_id) is withheld:
            found.append(request)
    return found


def title(request: ReviewRequested) -> str:
    assert request.case.claim_id is not None
    return request.case.claim_id


async def opinions(place: Workplace, requests: Sequence[ReviewRequested]) -> list[tuple[str, ...]]:
    """Of each request that is answered, in its order: the label before, the label, its code."""
    rows = await place.fetch("SELECT * FROM review_queue.opinions")
    by_review = {row["review_id"]: row for row in rows}
    return [
        (row["label_before"], row["label"], row["reason_code"])
        for request in requests
        if (row := by_review.get(request.review_id))
    ]


async def at_desk(place: Workplace, name: str = "amara") -> Desk:
    """Signed in by keyboard; the stopwatch runs from the first case on."""
    page = await place.sign_in(name)
    await page.context.add_init_script(STOPWATCH)
    await page.reload()
    return Desk(page)


async def test_ten_cases_by_keyboard_alone(
    place: Workplace, record_property: pytest.RecordProperty
) -> None:
    requests = in_line(10)
    await place.publish(*requests)
    desk = await at_desk(place)

    for request in requests:
        await desk.shows(title(request))
        await desk.press("a", "1", "Enter")
    await desk.says("Nothing waits for you")

    milliseconds = await desk.milliseconds()
    record_property("next_case_ms", f"{median(milliseconds[1:]):.0f}")
    assert await opinions(place, requests) == [(None, "APPROVED", "NECESSARY")] * 10
    assert await desk.seen_between() == ["Fetching the next case …"] or not await desk.seen_between()
    rows = await place.fetch("SELECT dwell_seconds, panels FROM review_queue.opinions")
    assert all(row["dwell_seconds"] > 0 and row["panels"] == [] for row in rows)
