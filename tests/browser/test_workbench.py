"""An adjudicator's morning in a real browser, by keyboard alone.

The service runs in a process of its own, on PostgreSQL and Kafka; requests come in by Kafka.
"""

import asyncio
from collections.abc import Callable
from statistics import median

import pytest
from playwright.async_api import expect

from shared.events import ModelAnswer, ReviewRequested
from tests.support.browser.desk import Desk, overhear
from tests.support.browser.queued_cases import at_desk, in_line, leases, opinions, title
from tests.support.browser.simulated_requests import earlier
from tests.support.browser.workplace import Workplace
from tests.support.builders.events import answers

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_ten_cases_by_keyboard_alone(
    place: Workplace, record_property: Callable[[str, object], None]
) -> None:
    requests = in_line(10)
    await place.publish(*requests)
    desk = await at_desk(place)

    for number, request in enumerate(requests, start=1):
        await desk.shows(title(request))
        await desk.has(min(number + 1, 10))  # the next one is at hand already
        await asyncio.sleep(0.2)  # nobody reads faster
        await desk.press("a", "1", "Enter")
    await desk.says("Nothing waits for you")

    assert (await desk.fetched())[1:] == [[]] * 9  # each was there before it was wanted
    milliseconds = (await desk.milliseconds())[1:]
    record_property("next_case_ms", f"median {median(milliseconds):.0f}, all {milliseconds}")
    assert await opinions(place, requests) == [(None, "APPROVED", "NECESSARY")] * 10
    rows = await place.fetch("SELECT dwell_seconds, panels FROM review_queue.opinions")
    assert all(row["dwell_seconds"] > 0 and row["panels"] == [] for row in rows)


async def test_a_case_stands_on_one_screen_and_what_was_opened_is_kept(place: Workplace) -> None:
    (request,) = in_line(1, "DENIED")
    await place.publish(*earlier(request.case, days=40, label="DENIED"), request)
    known = "SELECT count(*) = 1 FROM review_queue.history WHERE group_id = $1 AND label = 'DENIED'"
    await place.until(known, request.case.group_id)
    desk = await at_desk(place)

    await desk.shows(title(request))
    await desk.does_not_scroll()
    await desk.says("1 earlier case")
    await desk.says("74%", ".draft")
    await desk.is_accessible()
    for panel in ("fees", "history"):
        await desk.page.locator(f"[data-panel={panel}] summary").press("Enter")
    await desk.is_accessible()
    await desk.press("p", "1", "Control+Enter")
    await desk.says("Nothing waits for you")

    (row,) = await place.fetch("SELECT panels FROM review_queue.opinions")
    assert row["panels"] == ["fees", "history"]
    await desk.is_accessible()


async def test_a_blind_review_shows_no_answer_before_the_commit(place: Workplace) -> None:
    first, second = map(_telling, in_line(2, blind=True))
    await place.publish(first, second)
    page = await place.sign_in("amara")
    desk, heard = Desk(page), await overhear(page)
    await page.reload()
    await desk.shows(title(first))
    await desk.says("It stays on the server until you commit", ".draft")
    await desk.says("Blind review", ".why")
    await desk.is_accessible()
    await desk.press("p", "r", "Escape")
    await desk.saved()

    said = [await page.locator("body").inner_text(), *heard]
    assert any(title(second) in body for body in said)  # it is on its way as well
    for word in ("v77", "0.7431", "74%", "tell-tale", "adverse"):
        assert not [body for body in said if word in body.lower()], word

    await desk.press("c")
    await desk.says("tell-tale", ".draft")
    await desk.says("74%", ".draft")
    await desk.says("You said Pending before you saw it", ".draft")
    await desk.says("Adverse answer", ".why")
    await desk.is_accessible()
    await page.reload()
    await desk.says("You said Pending before you saw it", ".draft")
    await desk.press("a", "1", "Enter")
    await desk.shows(title(second))
    await desk.press("a", "Enter")  # commits where it would submit
    await desk.says("You said Approved before you saw it", ".draft")
    await desk.press("1", "Enter")
    await desk.says("Nothing waits for you")

    assert await opinions(place, [first, second]) == [
        ("PENDING", "APPROVED", "NECESSARY"),
        ("APPROVED", "APPROVED", "NECESSARY"),
    ]


def _telling(request: ReviewRequested) -> ReviewRequested:
    """With an answer whose every part would be recognized."""
    answer = ModelAnswer(
        version="adjudication-v77",
        label="DENIED",
        confidence=0.7431,
        probabilities=answers("DENIED", 0.7431),
        reasoning="A tell-tale reasoning.",
    )
    return request.model_copy(update={"answer": answer, "reason": "adverse"})


async def test_a_denial_needs_its_code_its_criterion_and_its_basis(place: Workplace) -> None:
    (request,) = in_line(1, "DENIED")
    await place.publish(request)
    desk = await at_desk(place)
    await desk.shows(title(request))
    problem = "form.decide .problem"

    await desk.press("Enter")
    await desk.says("Choose a decision first", problem)
    await desk.press("d", "Enter")
    await desk.says("Still needed: reason code", problem)
    await desk.is_accessible()
    await desk.write("rule excludes")  # the list is open, its filter has the focus
    await desk.press("Enter")
    await desk.is_accessible()  # the criteria are open now
    await desk.press("1")
    await desk.press("Enter")
    await desk.says("Still needed: clinical basis", problem)
    await desk.write("The note names no functional impairment.")
    await desk.is_accessible()
    await desk.does_not_scroll()
    await desk.press("Control+Enter")
    await desk.says("Nothing waits for you")

    (row,) = await place.fetch("SELECT * FROM review_queue.opinions")
    assert (row["label"], row["reason_code"]) == ("DENIED", "EXCLUDED")
    assert row["clinical_basis"] == "The note names no functional impairment."
    assert row["reasoning"] == "A rule of the policy excludes the service"
    assert '"version":' in row["criterion"]
    assert '"text":' in row["criterion"]


async def test_a_part_approved_needs_what_a_denial_does(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    desk = await at_desk(place)
    await desk.shows(title(request))

    await desk.press("a")
    await desk.page.get_by_label("In part: the note supports some").click()
    await desk.says("Nothing is missing", ".missing")
    optional = desk.page.locator("[data-label=APPROVED] .optional")
    await expect(optional).to_be_visible()
    await desk.field("approved_amount").fill("20.00")
    await expect(optional).to_be_hidden()
    await desk.says("Still needed: criterion, clinical basis", ".missing")
    await desk.is_accessible()
    await desk.page.locator(".criterion .change").click()
    await desk.page.locator(".criterion .code input").first.click()
    await desk.field("clinical_basis").fill("The second service is not named in the note.")
    await desk.press("Control+Enter")
    await desk.says("Nothing waits for you")

    (row,) = await place.fetch("SELECT * FROM review_queue.opinions")
    assert (row["label"], str(row["approved_amount"])) == ("APPROVED", "20.00")
    assert row["clinical_basis"] == "The second service is not named in the note."
    assert '"text":' in row["criterion"]


async def test_no_decision_carries_the_reason_of_another(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    desk = await at_desk(place)
    await desk.shows(title(request))
    await desk.press("d", "1")
    await expect(desk.field("reasoning")).not_to_have_value("")
    await desk.press("a", "Enter")
    await desk.says("Say why", "form.decide .problem")
    await expect(desk.field("reasoning")).to_have_value("")


async def test_a_skipped_case_goes_to_somebody_else(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    desk = await at_desk(place)
    await desk.shows(title(first))

    await desk.press("s", "Enter")
    await desk.says("Say why", "#skip")
    await desk.is_accessible()
    await desk.press("1", "Enter")

    await desk.shows(title(second))
    assert await leases(place, first) == [("amara", "released", "Outside my field")]
    await (await at_desk(place, "bo")).shows(title(first))
    await desk.press("s", "Escape", "a", "1", "Enter")  # thinking better of it
    await desk.says("Nothing waits for you")
    assert await opinions(place, [first, second]) == [(None, "APPROVED", "NECESSARY")]


async def test_who_is_asked_for_the_final_word_reads_why_and_the_notes(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    desk = await at_desk(place)
    await desk.shows(title(request))

    await desk.press("o")
    await desk.write("Page two of the note is missing.")
    await desk.is_accessible()
    await desk.press("Control+Enter")
    await desk.says("Note kept", ".saved")
    await expect(desk.page.get_by_role("region", name="Your notes")).to_contain_text("Page two of")
    await desk.is_accessible()
    await desk.press("e")
    await desk.write("I have never seen this code.")
    await desk.is_accessible()
    await desk.press("Control+Enter")
    await desk.says("Nothing waits for you")

    assert await leases(place, request) == [("amara", "escalated", "I have never seen this code.")]
    senior = await at_desk(place, "sam")
    await senior.shows(title(request))
    for words in ("Final word", "I have never seen this code.", "Page two of the note is missing."):
        await senior.says(words)
    await senior.hides("amara")
    await expect(senior.page.locator("[data-action=escalate]")).to_have_count(0)
    await senior.is_accessible()


async def test_what_was_submitted_can_be_undone_until_it_has_left(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    desk = await at_desk(place)
    await desk.shows(title(first))
    await desk.press("a", "1", "Enter")
    await desk.shows(title(second))

    await desk.press("u")
    await desk.shows(title(first))
    assert await desk.chosen("label") == "APPROVED"
    assert await desk.chosen("reason_code") == "NECESSARY"
    assert await opinions(place, [first]) == []
    await desk.press("p", "2", "Enter")
    await desk.shows(title(second))
    await desk.is_accessible()

    await place.settle()
    await desk.press("u")
    await desk.says("The decision has left; correct it instead", "#banner")
    await desk.shows(title(second))
    assert await opinions(place, [first]) == [(None, "PENDING", "CODE_CORRECTION")]


async def test_search_and_help_leave_the_case_as_it_is(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    desk = await at_desk(place)
    await desk.shows(title(first))
    await desk.press("a", "1", "?")
    await expect(desk.page.locator("#help")).to_be_visible()
    await desk.is_accessible()
    await desk.press("d", "Escape")  # a key in a dialog decides nothing
    await expect(desk.page.locator("#help")).to_be_hidden()
    assert await desk.chosen("label") == "APPROVED"
    await desk.saved()

    await desk.press("/")
    await desk.write(title(second))
    await desk.is_accessible()
    await desk.press("Enter")
    await desk.page.wait_for_url("**/search")
    await desk.says(title(second))
    await desk.is_accessible()

    await desk.page.go_back()
    await desk.shows(title(first))
    assert await desk.chosen("label") == "APPROVED"
