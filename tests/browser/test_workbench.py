"""An adjudicator's morning in a real browser, by keyboard alone.

The service runs in a process of its own, on PostgreSQL and Kafka; requests come in by Kafka.
"""

import asyncio
from collections.abc import Callable
from statistics import median

import pytest
from playwright.async_api import expect

from shared.events import ModelAnswer, ReviewRequested
from tests.support.browser.queued_cases import at_workbench, in_line, leases, opinions, title
from tests.support.browser.simulated_requests import earlier
from tests.support.browser.workbench import Workbench, overhear
from tests.support.browser.workplace import Workplace
from tests.support.builders.events import answers

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_ten_cases_by_keyboard_alone(
    place: Workplace, record_property: Callable[[str, object], None]
) -> None:
    requests = in_line(10)
    await place.publish(*requests)
    workbench = await at_workbench(place)

    for number, request in enumerate(requests, start=1):
        await workbench.shows(title(request))
        await workbench.has(min(number + 1, 10))  # the next one is at hand already
        await asyncio.sleep(0.2)  # nobody reads faster
        await workbench.press("a", "1", "Enter")
    await workbench.says("No cases waiting")

    assert (await workbench.fetched())[1:] == [[]] * 9  # each was there before it was wanted
    milliseconds = (await workbench.milliseconds())[1:]
    record_property("next_case_ms", f"median {median(milliseconds):.0f}, all {milliseconds}")
    assert await opinions(place, requests) == [(None, "APPROVED", "NECESSARY")] * 10
    rows = await place.fetch("SELECT dwell_seconds, panels FROM review_queue.opinions")
    assert all(row["dwell_seconds"] > 0 and row["panels"] == [] for row in rows)


async def test_a_case_stands_on_one_screen_and_what_was_opened_is_kept(place: Workplace) -> None:
    (request,) = in_line(1, "DENIED")
    await place.remember(earlier(request.case, days=40, label="DENIED"))
    await place.publish(request)
    workbench = await at_workbench(place)

    await workbench.shows(title(request))
    await workbench.does_not_scroll()
    await workbench.says("1 earlier case")
    await workbench.says("74%", ".draft")
    await workbench.is_accessible()
    for panel in ("fees", "history"):
        await workbench.page.locator(f"[data-panel={panel}] summary").press("Enter")
    await workbench.is_accessible()
    await workbench.press("p", "1", "Control+Enter")
    await workbench.says("No cases waiting")

    (row,) = await place.fetch("SELECT panels FROM review_queue.opinions")
    assert row["panels"] == ["fees", "history"]
    await workbench.is_accessible()


async def test_a_blind_review_shows_no_answer_before_the_commit(place: Workplace) -> None:
    first, second = map(_telling, in_line(2, blind=True))
    await place.publish(first, second)
    page = await place.sign_in("amara")
    workbench, heard = Workbench(page), await overhear(page)
    await page.reload()
    await workbench.shows(title(first))
    await workbench.says("It stays on the server until you commit", ".draft")
    await workbench.says("Blind review", ".why")
    await workbench.is_accessible()
    await workbench.press("p", "r", "Escape")
    await workbench.saved()

    said = [await page.locator("body").inner_text(), *heard]
    assert any(title(second) in body for body in said)  # it is on its way as well
    for word in ("v77", "0.7431", "74%", "tell-tale", "adverse"):
        assert not [body for body in said if word in body.lower()], word

    await workbench.press("c")
    await workbench.says("tell-tale", ".draft")
    await workbench.says("74%", ".draft")
    await workbench.says("You said Pending before you saw it", ".draft")
    await workbench.says("Adverse answer", ".why")
    await workbench.is_accessible()
    await page.reload()
    await workbench.says("You said Pending before you saw it", ".draft")
    await workbench.press("a", "1", "Enter")
    await workbench.shows(title(second))
    await workbench.press("a", "Enter")  # commits where it would submit
    await workbench.says("You said Approved before you saw it", ".draft")
    await workbench.press("1", "Enter")
    await workbench.says("No cases waiting")

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
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    problem = "form.decide .problem"

    await workbench.press("Enter")
    await workbench.says("Choose a decision first", problem)
    await workbench.press("d", "Enter")
    await workbench.says("Still needed: reason code", problem)
    await workbench.is_accessible()
    await workbench.write("rule excludes")  # the list is open, its filter has the focus
    await workbench.press("Enter")
    await workbench.is_accessible()  # the criteria are open now
    await workbench.press("1")
    await workbench.press("Enter")
    await workbench.says("Still needed: clinical basis", problem)
    await workbench.write("The note names no functional impairment.")
    await workbench.is_accessible()
    await workbench.does_not_scroll()
    await workbench.press("Control+Enter")
    await workbench.says("No cases waiting")

    (row,) = await place.fetch("SELECT * FROM review_queue.opinions")
    assert (row["label"], row["reason_code"]) == ("DENIED", "EXCLUDED")
    assert row["clinical_basis"] == "The note names no functional impairment."
    assert row["reasoning"] == "A rule of the policy excludes the service"
    assert '"version":' in row["criterion"]
    assert '"text":' in row["criterion"]


async def test_a_part_approved_needs_what_a_denial_does(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))

    await workbench.press("a")
    await workbench.page.get_by_label("In part: the note supports some").click()
    await workbench.says("Nothing is missing", ".missing")
    optional = workbench.page.locator("[data-label=APPROVED] .optional")
    await expect(optional).to_be_visible()
    await workbench.field("approved_amount").fill("20.00")
    await expect(optional).to_be_hidden()
    await workbench.says("Still needed: criterion, clinical basis", ".missing")
    await workbench.is_accessible()
    await workbench.page.locator(".criterion .change").click()
    await workbench.page.locator(".criterion .code input").first.click()
    await workbench.field("clinical_basis").fill("The second service is not named in the note.")
    await workbench.press("Control+Enter")
    await workbench.says("No cases waiting")

    (row,) = await place.fetch("SELECT * FROM review_queue.opinions")
    assert (row["label"], str(row["approved_amount"])) == ("APPROVED", "20.00")
    assert row["clinical_basis"] == "The second service is not named in the note."
    assert '"text":' in row["criterion"]


async def test_no_decision_carries_the_reason_of_another(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))
    await workbench.press("d", "1")
    await expect(workbench.field("reasoning")).not_to_have_value("")
    await workbench.press("a", "Enter")
    await workbench.says("Say why", "form.decide .problem")
    await expect(workbench.field("reasoning")).to_have_value("")


async def test_a_skipped_case_goes_to_somebody_else(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    workbench = await at_workbench(place)
    await workbench.shows(title(first))

    await workbench.press("s", "Enter")
    await workbench.says("Say why", "#skip")
    await workbench.is_accessible()
    await workbench.press("1", "Enter")

    await workbench.shows(title(second))
    assert await leases(place, first) == [("amara", "released", "Outside my field")]
    await (await at_workbench(place, "bo")).shows(title(first))
    await workbench.press("s", "Escape", "a", "1", "Enter")  # thinking better of it
    await workbench.says("No cases waiting")
    assert await opinions(place, [first, second]) == [(None, "APPROVED", "NECESSARY")]


async def test_who_is_asked_for_the_final_word_reads_why_and_the_notes(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    workbench = await at_workbench(place)
    await workbench.shows(title(request))

    await workbench.press("o")
    await workbench.write("Page two of the note is missing.")
    await workbench.is_accessible()
    await workbench.press("Control+Enter")
    await workbench.says("Note kept", ".saved")
    await expect(workbench.page.get_by_role("region", name="Your notes")).to_contain_text(
        "Page two of"
    )
    await workbench.is_accessible()
    await workbench.press("e")
    await workbench.write("I have never seen this code.")
    await workbench.is_accessible()
    await workbench.press("Control+Enter")
    await workbench.says("No cases waiting")

    assert await leases(place, request) == [("amara", "escalated", "I have never seen this code.")]
    senior = await at_workbench(place, "sam")
    await senior.shows(title(request))
    for words in ("Final word", "I have never seen this code.", "Page two of the note is missing."):
        await senior.says(words)
    await senior.hides("amara")
    await expect(senior.page.locator("[data-action=escalate]")).to_have_count(0)
    await senior.is_accessible()


async def test_what_was_submitted_can_be_undone_until_it_has_left(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    workbench = await at_workbench(place)
    await workbench.shows(title(first))
    await workbench.press("a", "1", "Enter")
    await workbench.shows(title(second))

    await workbench.press("u")
    await workbench.shows(title(first))
    assert await workbench.chosen("label") == "APPROVED"
    assert await workbench.chosen("reason_code") == "NECESSARY"
    assert await opinions(place, [first]) == []
    await workbench.press("p", "2", "Enter")
    await workbench.shows(title(second))
    await workbench.is_accessible()

    await place.settle()
    await workbench.press("u")
    await workbench.says("The decision has left; correct it instead", "#banner")
    await workbench.shows(title(second))
    assert await opinions(place, [first]) == [(None, "PENDING", "CODE_CORRECTION")]


async def test_search_and_help_leave_the_case_as_it_is(place: Workplace) -> None:
    first, second = in_line(2)
    await place.publish(first, second)
    workbench = await at_workbench(place)
    await workbench.shows(title(first))
    await workbench.press("a", "1", "?")
    await expect(workbench.page.locator("#help")).to_be_visible()
    await workbench.is_accessible()
    await workbench.press("d", "Escape")  # a key in a dialog decides nothing
    await expect(workbench.page.locator("#help")).to_be_hidden()
    assert await workbench.chosen("label") == "APPROVED"
    await workbench.saved()

    await workbench.press("/")
    await workbench.write(title(second))
    await workbench.is_accessible()
    await workbench.press("Enter")
    await workbench.page.wait_for_url("**/search")
    await workbench.says(title(second))
    await workbench.is_accessible()

    await workbench.page.go_back()
    await workbench.shows(title(first))
    assert await workbench.chosen("label") == "APPROVED"
