"""The page of one review, and each reviewer's own work, as they are read and written to."""

import re
from typing import Any

from services.review_queue.reviewing.opinions import Correction
from services.review_queue.reviewing.review import Shares
from shared.events import review_id_of
from shared.tasks.masking import MASK
from tests.connected.review_queue.harness import (
    APPROVED,
    CRITERION,
    DENIED,
    HOUR,
    PENDING,
    Queue,
    actor,
    lease_handle,
)
from tests.connected.review_queue.page_harness import Browse, names_in, page, sent, text_of
from tests.support.builders.events import case, claim_input

# One review


async def test_a_review_shows_what_was_said_once_nobody_can_be_swayed(
    queue: Queue, browse: Browse
) -> None:
    queue.shares = Shares(overlap=1.0, blind=1.0)
    await queue.request("case-1")
    path = f"/reviews/{review_id_of('case-1')}"
    held = lease_handle(await queue.lease("amara"), "amara")
    await queue.assignments.commit(held, "APPROVED")
    await queue.assignments.submit(held, DENIED, panels=("fee_schedule",))
    await queue.settle()

    before = text_of(await page(browse, "sam", path))
    assert "The model’s answer stays hidden" in before
    assert "Answered; hidden" in before
    assert "Denied" not in before
    assert "adverse" not in before.lower()
    await queue.answer("bo", DENIED)
    await queue.settle()
    after = text_of(await page(browse, "sam", path))
    assert "before the model’s answer Approved after it Denied" in after
    assert "A rule of the policy excludes the service" in after  # the reason code
    assert f"{CRITERION.source} · version {CRITERION.version}" in after
    assert "Clinical basis the note names no functional impairment" in after
    assert "opened fee schedule" in after
    assert "First opinion stands" in after
    assert [e.actor for e in await queue.entries() if e.action == "viewed"] == ["sam", "sam"]


async def test_escalations_and_disputes_are_told_in_order(queue: Queue, browse: Browse) -> None:
    await queue.request("case-1")
    await queue.assignments.release(lease_handle(await queue.lease("bo"), "bo"), "outside my field")
    await queue.assignments.escalate(lease_handle(await queue.lease("amara")), "beyond me")
    await queue.answer("sam", PENDING)
    await queue.settle()

    shown = text_of(await page(browse, "lee", f"/reviews/{review_id_of('case-1')}"))

    told = ["Final word", "bo gave it back", "outside my field", "amara escalated it", "beyond me"]
    assert [shown.index(each) for each in told] == sorted(shown.index(each) for each in told)


async def test_a_review_that_is_not_theirs_or_not_there_is_a_page(
    queue: Queue, browse: Browse
) -> None:
    await queue.decide("case-1")
    await queue.settle()

    assert "This is not for your role" in await page(
        browse, "bo", f"/reviews/{review_id_of('case-1')}", status=403
    )
    for path in ("/reviews/none", "/reviews/no%20such", "/reviewers/none", "/my-work/none"):
        html = await page(browse, "lee", path, status=404)
        assert "There is no such page" in html
        assert ">Reviewers</a>" in html  # the way on


async def test_the_auditor_reads_the_trail_and_no_member_data(queue: Queue, browse: Browse) -> None:
    content = claim_input(member_id="M-4711", clinical_note="the patient of room nine")
    await queue.request("case-1", case=case("case-1", input=content))
    await queue.answer("amara", APPROVED)
    await queue.settle()
    path = f"/reviews/{review_id_of('case-1')}"

    audited, read = await page(browse, "ada", path), await page(browse, "lee", path)

    assert "M-4711" in read
    assert "M-4711" not in audited
    assert "room nine" not in audited
    assert MASK in audited
    assert "no longer fits its task" not in audited
    assert "Audit trail of this review" in audited
    assert "submitted" in audited
    assert "Audit trail" not in read


async def test_a_note_is_added_or_says_why_not(queue: Queue, browse: Browse) -> None:
    await queue.decide("case-1")
    await queue.settle()
    path = f"/reviews/{review_id_of('case-1')}"

    await sent(browse, "amara", f"{path}/notes", text="page two was missing")
    assert "page two was missing" in await page(browse, "lee", path)
    refused = await sent(browse, "amara", f"{path}/notes", status=422, text="  ")
    assert "The note: there is nothing in it yet." in refused.text
    await sent(browse, "bo", f"{path}/notes", status=404, text="let me in")


# My work


async def test_my_work_says_what_became_of_it(queue: Queue, browse: Browse) -> None:
    await queue.decide("left", DENIED)
    await queue.settle()
    change = Correction(APPROVED, "records came", 0)
    await queue.corrections.correct(review_id_of("left"), change, by=actor())
    await queue.decide("leaving", PENDING)
    await queue.decide("of-bo", DENIED, reviewer="bo")

    html = await page(browse, "amara", "/my-work")

    assert names_in(html) == ["leaving", "left"]
    shown = text_of(html)
    assert re.search(r"leaves in \d+ s", shown)
    assert "corrected to Approved" in shown
    assert html.count(">Reopen<") == 1
    assert 'data-seconds="1"' in html  # the page follows the seconds
    assert "Nothing decided yet" in await page(browse, "sam", "/my-work")
    await page(browse, "ada", "/my-work", status=403)


async def test_a_decision_is_corrected_by_its_form(queue: Queue, browse: Browse) -> None:
    await queue.decide("case-1", APPROVED)
    await queue.settle()
    path = f"/my-work/{review_id_of('case-1')}"
    form = await page(browse, "amara", path)
    assert 'name="label" value="APPROVED"' in form
    assert re.search(r'value="APPROVED"[^>]*checked', form)
    change: dict[str, Any] = {
        "label": "DENIED",
        "reasoning": "a rule was overlooked",
        "reason_code": "EXCLUDED",
        "clinical_basis": "no functional impairment",
        "rule": "other",
        "criterion_source": "Choice PPO",
        "criterion_version": "5",
        "criterion_effective_date": "2026-01-01",
        "criterion_text": "cosmetic <services>",
        "why": "I looked again",
        "supersedes_revision": "0",
    }

    lacking = await sent(browse, "amara", path, status=422, **{**change, "clinical_basis": ""})
    assert "Clinical basis: DENIED needs its clinical basis" in text_of(lacking.text)
    assert "cosmetic &lt;services&gt;</textarea>" in lacking.text  # what was written stays
    assert re.search(r'value="DENIED"[^>]*checked', lacking.text)
    stale = await sent(browse, "amara", path, status=409, **{**change, "supersedes_revision": "7"})
    assert "revision 0 by now" in stale.text
    await sent(browse, "bo", path, status=403, **change)
    assert len(await queue.events()) == 2

    done = await sent(browse, "amara", path, **change)

    assert done.headers["location"] == f"/reviews/{review_id_of('case-1')}"
    (event,) = (await queue.events())[2:]
    assert (event.label, event.revision, event.why) == ("DENIED", 1, "I looked again")
    shown = text_of(await page(browse, "amara", done.headers["location"]))
    assert "Correction 1" in shown
    assert "cosmetic <services>" in shown
    assert "no functional impairment" in shown
    assert 'value="DENIED"' in await page(browse, "amara", path)  # and can be changed again
    await queue.forward(HOUR * 25)
    late = await page(browse, "amara", path, status=409)
    assert "24 hours" in late
