"""The review page for everybody: by voice, in the dark, on a tablet and a phone."""

import pytest
from playwright.async_api import expect

from tests.support.browser.queued_cases import at_workbench, in_line, opinions, title
from tests.support.browser.workbench import Workbench
from tests.support.browser.workplace import Workplace

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_single_keys_can_be_switched_off(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("?")
    await workbench.page.get_by_label("Single-key shortcuts").press("Space")
    await workbench.press("Escape", "a", "s")
    await workbench.page.reload()
    await workbench.shows(title(request))
    await workbench.press("a", "s")
    assert await workbench.chosen("label") is None
    await workbench.is_accessible()
    await workbench.page.locator(".option", has_text="Approved").click()
    await workbench.page.locator("[data-label=APPROVED] .code").first.click()
    await workbench.press("Enter")
    await workbench.says("No cases waiting")


async def test_dark_is_remembered(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    before = await workbench.brightness()

    await workbench.page.locator("#theme").press("Enter")
    assert await workbench.brightness() < 0.2 < 0.8 < before
    await workbench.page.reload()
    await workbench.shows(title(request))
    assert await workbench.brightness() < 0.2
    assert await workbench.page.evaluate("document.documentElement.dataset.theme") == "dark"


async def test_dark_is_remembered_by_a_page_from_before(place: Workplace) -> None:
    page = await place.sign_in("amara")
    kept = await page.content()
    workbench = Workbench(page)
    assert await workbench.brightness() > 0.8
    await page.locator("#theme").press("Enter")

    await page.route(page.url, lambda route: route.fulfill(body=kept, content_type="text/html"))
    await page.reload()
    assert await workbench.brightness() < 0.2


@pytest.mark.parametrize(
    ("width", "height", "touch"), [(1180, 820, True), (820, 1180, True), (390, 844, True)]
)
async def test_it_fits_a_tablet_and_a_phone(
    place: Workplace, width: int, height: int, touch: bool
) -> None:
    (request,) = in_line(1, "DENIED")
    await place.publish(request)
    page = await place.sign_in(
        "amara", viewport={"width": width, "height": height}, has_touch=touch
    )
    workbench = Workbench(page)
    await workbench.shows(title(request))

    await expect(page.locator(".why .because").first).to_be_visible()
    await page.get_by_text("What they mean").tap()
    await expect(page.locator(".meanings dd").first).to_be_visible()
    await page.get_by_text("What they mean").tap()
    await page.locator(".option", has_text="Denied").tap()
    await page.locator("[data-label=DENIED] .code").nth(1).tap()
    await page.locator(".criterion .code").first.tap()
    await workbench.field("clinical_basis").fill("No functional impairment is named")
    await workbench.does_not_scroll_sideways()
    await workbench.is_accessible()
    await page.locator(".finish .primary").tap()

    await workbench.says("No cases waiting")
    assert await opinions(place, [request]) == [(None, "DENIED", "EXCLUDED")]
