"""Nothing that an adjudicator wrote is lost with their lease, tab, network or the service."""

import pytest
from playwright.async_api import Response, expect

from tests.support.browser.queued_cases import (
    at_empty_queue,
    at_workbench,
    in_line,
    leases,
    opinions,
    title,
)
from tests.support.browser.workbench import Workbench, lose_answer
from tests.support.browser.workplace import Workplace

pytestmark = [pytest.mark.browser, pytest.mark.slow]
_FULL = "() => { Storage.prototype.setItem = () => { throw new Error('full'); }; }"
# Lets this browser have a newer draft than the server.
_NEWER = """
for (const [name, draft] of Object.entries(localStorage)) {
  localStorage[name] = JSON.stringify({ ...JSON.parse(draft), at: Date.now() });
}
"""


async def test_a_lost_lease_says_so_at_once_and_keeps_the_text(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    workbench = await at_workbench(place)
    await workbench.shows(title(first))
    await workbench.has(2)  # the next one is at hand
    await workbench.press("p", "1", "r", "Control+a")

    async with place.away(workbench.page):  # the network was gone, and the case with it
        await workbench.write("Half a thought")
        await place.expire(first.review_id)
        await workbench.says("Not saved yet: kept in this browser", ".saved")
    await workbench.says("The lease has expired; nothing was counted", "#banner")
    await workbench.is_accessible()
    await expect(workbench.field("reasoning")).to_have_value("Half a thought")
    await workbench.press("Control+Enter", "Escape", "Enter")
    assert await opinions(place, [first]) == []

    await workbench.press("n")
    await workbench.shows(title(second))
    await workbench.press("a", "1", "Enter")
    await workbench.shows(title(first))  # it came back, and the text with it
    await expect(workbench.field("reasoning")).to_have_value("Half a thought")
    assert await workbench.chosen("label") == "PENDING"


async def test_a_late_submit_is_refused_and_loses_no_word(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("a", "1", "r")
    await workbench.write(": said too late")
    await place.expire(request.review_id)

    await workbench.press("Control+Enter")

    await workbench.says("The lease has expired; nothing was counted", "#banner")
    await expect(workbench.field("reasoning")).to_have_value(
        "Covered, and the note supports the service: said too late"
    )
    assert await opinions(place, [request]) == []


async def test_a_draft_survives_a_closed_tab(place: Workplace) -> None:
    (request,) = in_line(1, "DENIED")
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("d", "2", "1", "b")
    await workbench.write("No functional impairment")
    await workbench.saved()
    await workbench.write(" is named")

    await workbench.page.close()
    again = Workbench(await workbench.page.context.new_page())
    await again.page.goto(place.url)

    await again.shows(title(request))
    await expect(again.field("clinical_basis")).to_have_value("No functional impairment is named")
    assert await again.chosen("reason_code") == "EXCLUDED"
    assert await again.chosen("criterion") is not None
    await again.press("Enter")
    await again.says("No cases waiting")
    assert await opinions(place, [request]) == [(None, "DENIED", "EXCLUDED")]


async def test_what_no_browser_keeps_is_not_said_to_be_kept(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.page.evaluate(_FULL)
    async with place.away(workbench.page):
        await workbench.press("a", "1")
        await workbench.says("Not saved yet: keep this page open", ".saved")


async def test_what_was_meant_for_a_senior_survives_failures_and_reloads(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    words = "I have never seen this code, and neither has the book."
    await workbench.press("e")
    await workbench.write(words)
    await lose_answer(workbench.page, "**/escalate", done=False)
    await workbench.press("Control+Enter")
    await workbench.says("The service cannot be reached. Your text is kept", "#banner")

    await workbench.press("e")
    await expect(workbench.page.locator("#escalate-words")).to_have_value(words)
    await workbench.press("Escape", "Escape")
    await expect(workbench.page.locator("[data-action=escalate] .unsent")).to_be_visible()
    await workbench.is_accessible()
    await workbench.saved()
    await workbench.page.reload()
    await workbench.shows(title(request))
    await workbench.press("e")
    await expect(workbench.page.locator("#escalate-words")).to_have_value(words)
    await workbench.press("Control+Enter")
    await workbench.says("No cases waiting")
    assert await leases(place, request) == [("amara", "escalated", words)]


async def test_a_note_is_taken_after_the_lease_is_lost(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("o")
    await workbench.write("Page two of the note")
    await place.expire(request.review_id)
    async with place.away(workbench.page):
        pass  # back in the network, the page asks at once
    await workbench.says("The lease has expired", "#banner")
    await workbench.write(" is missing.")
    await workbench.press("Control+Enter")
    await workbench.says("Note kept", ".saved")
    await workbench.press("o")
    await expect(workbench.page.locator("#note-words")).to_have_value("")
    (row,) = await place.fetch("SELECT text FROM review_queue.notes")
    assert row["text"] == "Page two of the note is missing."


async def test_no_case_goes_while_its_note_is_not_sent(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("o")
    await workbench.write("Page two is missing.")
    await workbench.press("Escape", "a", "1")
    for key in ("Enter", "e", "s"):
        await workbench.press(key)
        await workbench.says("Your note is not sent yet", "form.decide .problem")
    await workbench.is_accessible()

    await workbench.press("o", "Control+Enter")
    await workbench.says("Note kept", ".saved")
    await workbench.press("Enter")
    await workbench.says("No cases waiting")
    assert len(await place.fetch("SELECT FROM review_queue.notes")) == 1


async def waiting_for_a_key(place: Workplace) -> Workbench:
    """At an empty queue, and the page does not ask again by itself."""
    workbench = await at_empty_queue(place)
    async with workbench.page.expect_response(_is_lease):  # the last time
        await workbench.stand_still()
    return workbench


def _is_lease(response: Response) -> bool:
    return response.request.method == "POST" and response.url.endswith("/v1/assignments")


@pytest.mark.parametrize("begun", [False, True])
async def test_a_lease_whose_answer_was_lost_is_found_again(place: Workplace, begun: bool) -> None:
    workbench = await waiting_for_a_key(place)
    await lose_answer(workbench.page, "**/v1/assignments", begun=begun)
    (request,) = in_line(1)
    await place.publish(request)
    await workbench.press("n")
    await workbench.says("Trying again", "#banner")
    await workbench.press("n")
    await workbench.shows(title(request))
    assert await leases(place, request) == [("amara", "leased", None)]


async def test_a_case_whose_page_did_not_come_is_asked_for_again(place: Workplace) -> None:
    workbench = await waiting_for_a_key(place)
    await lose_answer(workbench.page, "**/assignments/*", method="GET")
    first, second = in_line(2)
    await place.publish(first, second)
    await workbench.press("n")
    await workbench.says("Trying again", "#banner")
    await workbench.press("n")
    await workbench.shows(title(first))
    await workbench.press("a", "1", "Enter")
    await workbench.shows(title(second))
    assert await leases(place, first) == [("amara", "submitted", None)]


async def test_what_is_undone_comes_back_whatever_is_lost_on_the_way(place: Workplace) -> None:
    (request,) = in_line(1)
    workbench = await at_empty_queue(place)
    await place.publish(request)
    await workbench.press("n")
    await workbench.shows(title(request))
    await workbench.stand_still()
    for known in (True, False):
        await workbench.press("a", "1", "Enter")
        await workbench.says("No cases waiting")
        await lose_answer(workbench.page, "**/undo")
        if not known:
            await lose_answer(workbench.page, "**/v1/assignments", method="GET")
        await workbench.press("u")
        if not known:
            await workbench.says("Whether it is undone is not known", "#banner")
            await expect(workbench.page.locator(".toast")).to_be_visible()
            await workbench.press("u")
        await workbench.shows(title(request))
        assert await workbench.chosen("label") == "APPROVED"
        await expect(workbench.page.locator(".toast")).to_have_count(0)
    await workbench.press("p", "2", "Enter")
    await workbench.says("No cases waiting")
    assert await opinions(place, [request]) == [(None, "PENDING", "CODE_CORRECTION")]


async def test_a_submit_whose_answer_was_lost_can_be_undone(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await lose_answer(workbench.page, "**/submit")
    await lose_answer(workbench.page, "**/v1/my-work*", method="GET")
    await workbench.press("a", "1", "Enter")
    await workbench.says("Your text is kept: try again", "#banner")
    await workbench.press("p", "1", "Enter")
    await workbench.says("No cases waiting")
    await workbench.says("Approved, as first sent", ".toast")

    await workbench.press("u")
    await workbench.shows(title(request))
    assert await workbench.chosen("label") == "PENDING"
    assert await opinions(place, [request]) == []


async def test_signing_out_elsewhere_deletes_nothing_unasked(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    workbench = await at_workbench(place)
    page = workbench.page
    await workbench.shows(title(first))
    await workbench.press("a", "1", "Enter")
    await workbench.shows(title(second))
    await lose_answer(page, "**/draft", method="PUT", done=False, times=99)
    await workbench.press("a", "1", "r", "Control+a")
    await workbench.write("Half a thought")
    await workbench.says("Not saved yet", ".saved")
    await workbench.press("Escape", "u")
    await workbench.shows(title(first))  # the other one is set aside
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#unsaved")).to_be_visible()
    await workbench.press("Enter")  # stay

    await page.get_by_role("link", name="My work").click()
    await page.wait_for_url("**/my-work")
    await page.evaluate(_NEWER)  # it sent what it had when the page went
    await page.get_by_role("button", name="Sign out").click()
    await expect(page.locator("#unsaved")).to_be_visible()
    await workbench.is_accessible()
    await page.get_by_role("link", name="Go to Review").click()
    await workbench.shows(title(first))
    await workbench.press("Enter")
    await workbench.shows(title(second))
    await expect(workbench.field("reasoning")).to_have_value("Half a thought")

    await page.unroute_all()
    await page.goto(f"{place.url}/my-work")
    await page.get_by_role("button", name="Sign out").click()
    await page.wait_for_url("**/sign-in")
    rows = await place.fetch("SELECT content FROM review_queue.drafts")
    assert any("Half a thought" in row["content"] for row in rows)


async def test_a_killed_service_takes_no_word_with_it(place: Workplace) -> None:
    """The last one: Kafka waits a while for a process that said no goodbye."""
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("a", "1", "r")
    await workbench.write(": seen")
    await workbench.saved()

    place.process.kill()
    await workbench.write(" and understood")
    await workbench.says("Not saved yet: kept in this browser", ".saved")
    await workbench.press("Control+Enter")
    await workbench.says("The service cannot be reached. Your text is kept", "#banner")
    await workbench.is_accessible()
    await place.process.start()
    await workbench.saved()  # by itself

    elsewhere = await at_workbench(place)  # another browser has what the server has
    words = "Covered, and the note supports the service: seen and understood"
    await expect(elsewhere.field("reasoning")).to_have_value(words)
    await workbench.press("Control+Enter")
    await workbench.says("No cases waiting")
    (row,) = await place.fetch("SELECT reasoning FROM review_queue.opinions")
    assert row["reasoning"] == words
