"""A key does what it was pressed for, once, and only where it was pressed."""

import pytest
from playwright.async_api import expect

from tests.support.browser.queued_cases import at_workbench, in_line, leases, opinions, title
from tests.support.browser.workplace import Workplace

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(("key", "state"), [("e", "escalated"), ("s", "released")])
async def test_words_go_where_they_were_written(place: Workplace, key: str, state: str) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("a", "1", key)  # a decision stands ready besides
    await workbench.page.locator("dialog[open] [name=words]").focus()
    await workbench.write("Words of mine")
    await workbench.press("Control+Enter")
    await workbench.says("No cases waiting")

    ((_, found, why),) = await leases(place, request)
    assert (found, why) == (state, "Words of mine")
    assert await opinions(place, [request]) == []


@pytest.mark.parametrize("held", ["Enter", "Control+Enter", "the button"])
async def test_a_held_key_submits_nothing_unseen(place: Workplace, held: str) -> None:
    (request,) = in_line(1, blind=True)
    await place.publish(request)
    workbench = await at_workbench(place)
    keyboard = workbench.page.keyboard
    await workbench.shows(title(request))
    await workbench.press("a", "1")
    if held == "the button":
        await workbench.page.locator(".decide .primary").focus()
    if held == "Control+Enter":
        await keyboard.down("Control")
    await keyboard.down("Enter")
    await workbench.says("You said Approved before you saw it", ".draft")
    await expect(workbench.page.locator(".decide .primary")).to_be_enabled()
    if held == "the button":
        await workbench.page.locator(".decide .primary").focus()  # it was disabled meanwhile
    for _ in range(5):
        await keyboard.down("Enter")
    await keyboard.up("Enter")
    await keyboard.up("Control")

    await workbench.press("p")
    await workbench.saved()
    await workbench.shows(title(request))
    assert await opinions(place, [request]) == []
