"""Cases are taken and seen by people: not by a page that was left open."""

import asyncio

import pytest
from playwright.async_api import Locator, Page, Route

from tests.support.browser.queued_cases import at_empty_queue, at_workbench, in_line, title
from tests.support.browser.workbench import lose_answer, requests_of
from tests.support.browser.workplace import Workplace

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_HIDE = "Object.defineProperty(document, 'visibilityState', {configurable: true, value: 'hidden'})"
_UNHIDE = "delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))"
_OPENED = "SELECT count(*) = 1 FROM review_queue.assignments WHERE opened_at IS NOT NULL"


async def test_a_page_that_nobody_looks_at_takes_no_case(place: Workplace) -> None:
    workbench = await at_empty_queue(place)
    (request,) = in_line(1)
    await workbench.page.evaluate(_HIDE)
    await place.publish(request)
    asked = requests_of(workbench.page, "POST", "/v1/assignments")
    await workbench.page.clock.fast_forward(5_000)
    await workbench.says("Paused while you were away")
    await workbench.is_accessible()
    assert asked == []

    await workbench.page.evaluate(_UNHIDE)
    await workbench.shows(title(request))
    await place.until(_OPENED)


async def test_a_page_that_was_left_takes_no_case_until_somebody_is_back(place: Workplace) -> None:
    workbench = await at_empty_queue(place)
    (request,) = in_line(1)
    await workbench.page.clock.fast_forward(181_000)
    await workbench.says("Paused while you were away")
    await place.publish(request)
    asked = requests_of(workbench.page, "POST", "/v1/assignments")
    await workbench.page.clock.fast_forward(60_000)
    await workbench.says("Paused while you were away")
    assert asked == []

    await workbench.press("Shift")
    await workbench.shows(title(request))
    await place.until(_OPENED)


async def test_that_a_case_was_seen_is_said_until_it_is_heard(place: Workplace) -> None:
    workbench = await at_empty_queue(place)
    (request,) = in_line(1)
    await lose_answer(workbench.page, "**/heartbeat", done=False)
    await place.publish(request)
    await workbench.page.clock.fast_forward(5_000)
    await workbench.shows(title(request))
    await workbench.page.clock.fast_forward(9_000)
    await place.until(_OPENED)


async def test_what_was_opened_is_known_after_a_reload(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.page.locator("[data-panel=fees] summary").press("Enter")
    await workbench.saved()

    await workbench.page.reload()
    await workbench.shows(title(request))
    await workbench.press("a", "1", "Enter")
    await workbench.says("No cases waiting")
    (row,) = await place.fetch("SELECT panels FROM review_queue.opinions")
    assert row["panels"] == ["fees"]


async def test_waiting_leaves_the_focus_where_it_is(place: Workplace) -> None:
    workbench = await at_empty_queue(place)
    page = workbench.page
    asked = await hold_back(page, "**/v1/assignments")
    theme = page.locator("#theme")
    await theme.focus()
    for _ in range(2):
        await page.clock.fast_forward(5_000)
        route = await asked.get()
        await page.clock.fast_forward(1_000)  # by then, a page without any case says that it loads
        assert await has_focus(theme)
        async with page.expect_response("**/v1/assignments"):
            await route.continue_()
    await page.clock.fast_forward(5_000)
    await asked.get()  # it is done with the answer, and asks again
    assert await has_focus(theme)


async def has_focus(element: Locator) -> bool:
    return bool(await element.evaluate("(element) => element === document.activeElement"))


async def hold_back(page: Page, path: str) -> "asyncio.Queue[Route]":
    """From now on, such requests wait until a test lets them go on."""
    held: asyncio.Queue[Route] = asyncio.Queue()
    await page.route(path, held.put)
    return held


async def test_a_failure_that_goes_on_is_said_once(place: Workplace) -> None:
    workbench = await at_empty_queue(place)
    await _count_changes(workbench.page)
    async with place.away(workbench.page):
        for _ in range(4):
            await workbench.page.clock.fast_forward(5_000)
            await workbench.says("cannot be reached. Trying again", "#banner")
        assert await workbench.page.evaluate("window.changes") == 1


async def _count_changes(page: Page) -> None:
    await page.evaluate(
        """() => {
          window.changes = 0;
          new MutationObserver((all) => (window.changes += all.length))
            .observe(document.getElementById("banner"), { childList: true });
        }"""
    )
