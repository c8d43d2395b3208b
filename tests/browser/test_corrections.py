"""A decision is corrected by whoever made it, in a browser."""

import pytest
from playwright.async_api import Page, expect

from shared.events import ReviewRequested
from tests.support.browser.colleague import colleague
from tests.support.browser.queued_cases import in_line, title
from tests.support.browser.workbench import Workbench
from tests.support.browser.workplace import Workplace

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def reopened(place: Workplace, request: ReviewRequested, label: str) -> Page:
    """The form that corrects amara's decision."""
    await place.publish(request)
    async with colleague(place.url, "amara") as amara:
        await amara.decide(label)
    await place.settle()
    page = await place.sign_in("amara")
    await page.get_by_role("link", name="My work").click()
    await Workbench(page).says("Others agree with me")
    await Workbench(page).is_accessible()
    await page.get_by_role("link", name=f"Reopen {title(request)}").click()
    return page


async def test_a_decision_is_corrected_and_stays_readable(place: Workplace) -> None:
    (request,) = in_line(1, model_visible=False)
    page = await reopened(place, request, "APPROVED")
    workbench = Workbench(page)
    await page.locator(".option", has_text="Pending").click()
    await page.get_by_label("Reason code").select_option(
        "An itemized bill or an agreed fee is needed"
    )
    await workbench.is_accessible()
    await page.get_by_role("button", name="Correct the decision").click()
    await workbench.says("Why", "#problem")
    await workbench.is_accessible()
    await page.get_by_label("Why it changes").fill("The bill came later.")
    await page.get_by_role("button", name="Correct the decision").click()
    await page.wait_for_url("**/reviews/*")

    await workbench.says("Correction 1")
    await workbench.says("As the note says.")
    await workbench.is_accessible()
    (row,) = await place.fetch("SELECT label, why FROM review_queue.corrections")
    assert tuple(row) == ("PENDING", "The bill came later.")


async def test_what_is_hidden_is_not_sent(place: Workplace) -> None:
    (request,) = in_line(1, "DENIED")
    page = await reopened(place, request, "DENIED")
    basis, criterion = page.get_by_label("Clinical basis"), page.locator("[name=criterion_text]")
    await expect(criterion).to_be_visible()
    await page.locator(".option", has_text="Approved").click()
    amount = page.get_by_label("Approved amount")
    await amount.fill("1")
    await expect(basis).to_be_visible()
    await amount.fill(str(request.case.input["billed_amount"]))  # all of it is no part
    await expect(basis).to_be_hidden()
    await page.get_by_label("Reason code").select_option(index=1)
    await page.get_by_label("Why it changes").fill("A misreading.")
    async with page.expect_request("**/my-work/*") as sent:
        await page.get_by_role("button", name="Correct the decision").click()
    await page.wait_for_url("**/reviews/*")

    posted = (await sent.value).post_data or ""
    assert "label=APPROVED" in posted
    assert not [name for name in ("clinical_basis", "rule", "criterion_") if name in posted]
