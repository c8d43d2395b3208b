"""The lead's day in a real browser: disputes and who settles them, queues, reviewers, statistics.

And the auditor's, who sees all of it but whom a case is about.
"""

import re
from collections.abc import Sequence
from contextlib import AsyncExitStack

import pytest
from playwright.async_api import Page, expect

from tests.support.browser.colleague import colleague
from tests.support.browser.queued_cases import in_line, title
from tests.support.browser.workbench import Workbench, overhear
from tests.support.browser.workplace import Workplace

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def workbench_of(place: Workplace, name: str) -> Workbench:
    return Workbench(await place.sign_in(name))


async def rows(page: Page) -> Sequence[str]:
    """The first column of a list."""
    return await page.locator("tbody th").all_inner_texts()


async def test_who_disagrees_stays_blind_until_a_senior_has_the_last_word(
    place: Workplace,
) -> None:
    (request,) = in_line(1, twice=True)
    await place.publish(request)
    words = {"amara": "The note is clear to me.", "bo": "Page two is missing, I say."}
    amara = await workbench_of(place, "amara")
    await amara.shows(title(request))
    bo = await workbench_of(place, "bo")
    heard = await overhear(bo.page)
    await bo.shows(title(request))  # both have it at once
    await bo.says("Second opinion", ".why")

    await _answer(amara, "a", words["amara"])
    await amara.says("No cases waiting")
    await bo.page.reload()
    await bo.shows(title(request))
    await bo.is_accessible()
    told = [await bo.page.locator("body").inner_text(), *heard]
    assert any(title(request) in text for text in heard)
    assert not [text for text in told if words["amara"] in text or "amara" in text.lower()]
    await _answer(bo, "p", words["bo"])
    await bo.says("No cases waiting")
    await place.settle()

    further = await workbench_of(place, "cleo")
    heard = await overhear(further.page)
    await further.page.reload()
    await further.shows(title(request))
    await further.says("Further opinion", ".why")
    told = [await further.page.locator("body").inner_text(), *heard]
    assert not [text for text in told for said in words.values() if said in text]
    await further.press("d", "2", "1", "b")
    await further.write("Nothing supports it, says the third.")
    await further.press("Control+Enter")
    await further.says("No cases waiting")
    await place.settle()

    senior = await workbench_of(place, "sam")
    await senior.shows(title(request))
    await senior.says("The reviewers disagree")
    for said in (*words.values(), "Nothing supports it, says the third."):
        await expect(senior.page.locator(".dispute")).to_contain_text(said)
    await expect(senior.page.locator("main")).not_to_contain_text(
        re.compile(r"\b(amara|bo|cleo)\b")
    )
    chips = await senior.page.locator(".dispute .chip").all_inner_texts()
    assert chips == ["Approved", "Pending", "Denied"]
    await senior.is_accessible()
    await _answer(senior, "a", "The first reading holds.")
    await senior.says("No cases waiting")
    await place.settle()
    (settled,) = await place.fetch("SELECT label FROM review_queue.reviews")
    assert settled["label"] == "APPROVED"

    lead = await place.sign_in("lee")
    await lead.goto(f"{place.url}/reviews/{request.review_id}")
    opinions_shown = lead.locator(".answer-card")
    await expect(opinions_shown).to_have_count(4)  # all opinions are kept
    await expect(opinions_shown.nth(3)).to_contain_text("The first reading holds.")
    await expect(lead.locator(".answer-card:has(.stands) h2")).to_have_text("Final word stands")
    await Workbench(lead).is_accessible()


async def _answer(workbench: Workbench, label: str, words: str) -> None:
    await workbench.press(label, "1", "r", "Control+a")
    await workbench.write(words)
    await workbench.press("Control+Enter")


async def test_a_paused_reviewer_loses_his_case_at_once_and_reads_why(place: Workplace) -> None:
    (request,) = in_line(1, twice=True)
    await place.publish(request)
    amara = await workbench_of(place, "amara")
    await amara.shows(title(request))
    await amara.press("p", "1", "r", "Control+a")
    await amara.write("Half a thought")
    lead = await place.sign_in("lee")

    await lead.goto(f"{place.url}/reviewers")
    await expect(lead.locator("tr", has_text="amara")).to_contain_text("At work")
    await Workbench(lead).is_accessible()
    await lead.get_by_role("link", name="amara").click()
    await lead.locator("summary", has_text="Pause").click()
    await Workbench(lead).is_accessible()
    await lead.get_by_label("Why").fill("Back on Monday")
    await lead.get_by_role("button", name="Pause amara now").click()
    await lead.get_by_text("Paused by lee").wait_for()
    await Workbench(lead).is_accessible()

    # Both seats are free: two others get the case, and nobody else.
    for name in ("bo", "cleo"):
        await (await workbench_of(place, name)).shows(title(request))
    await amara.says("This case was given back (paused: Back on Monday)", "#banner")
    await expect(amara.field("reasoning")).to_have_value("Half a thought")
    await amara.is_accessible()
    await amara.page.get_by_role("button", name="Next case").click()
    await amara.says("Lee paused you: Back on Monday", "#banner")
    await amara.says("No case available right now")
    await expect(amara.page.locator(".case")).to_have_count(0)
    await amara.is_accessible()

    await lead.get_by_role("button", name="Resume amara").click()
    await expect(lead.locator("main")).not_to_contain_text("Paused")
    await amara.says("No cases waiting")  # by itself
    await expect(amara.page.locator("#banner")).to_be_hidden()


async def test_queues_are_counted_live_filtered_and_paged(place: Workplace) -> None:
    plain = in_line(55, twice=True, reason="low_confidence")
    denials = in_line(3, twice=True, reason="adverse")
    await place.publish(*plain, *denials)
    lead = await place.sign_in("lee")
    workbench = Workbench(lead)

    assert lead.url == f"{place.url}/queue"  # to look takes no case out of line
    queued = lead.locator(".tiles [data-state=queued] dd")
    await expect(queued).to_have_text("116")  # two seats each
    await workbench.is_accessible()
    (newcomer,) = in_line(1, twice=True)
    await place.publish(newcomer)
    await expect(queued).to_have_text("118")

    await lead.get_by_role("row", name="Adverse answer").get_by_role("link").first.click()
    await lead.wait_for_url(re.compile("/reviews.*reason=adverse"))
    assert sorted(await rows(lead)) == sorted(title(each) for each in denials * 2)
    await workbench.is_accessible()
    await lead.get_by_label("Why it is here").select_option("Low confidence")
    await lead.get_by_label("What is asked").select_option("First opinion")
    await lead.get_by_role("button", name="Show").click()
    await lead.wait_for_url("**kind=first**")
    first = await rows(lead)
    await lead.get_by_role("link", name="Newer →").click()
    await lead.wait_for_url("**after=*")
    both = [*first, *await rows(lead)]
    assert sorted(both) == sorted(title(each) for each in [*plain, newcomer])
    await lead.get_by_role("link", name="← Older").click()
    await lead.wait_for_url("**before=*")
    assert await rows(lead) == first

    await lead.get_by_label("Amount from").fill("much")
    await lead.get_by_role("button", name="Show").click()
    await workbench.says("Amount from: ")
    await workbench.is_accessible()
    await lead.get_by_role("link", name="Clear").click()
    await expect(lead.get_by_label("Why it is here")).to_have_value("")


async def judged_twice(place: Workplace, number: int) -> None:
    """So many reviews with two answers that did not know the model's, and a third where these
    differ."""
    await place.publish(*in_line(number, twice=True, model_visible=False))
    async with AsyncExitStack() as stack:
        amara, bo, cleo = [
            await stack.enter_async_context(colleague(place.url, name))
            for name in ("amara", "bo", "cleo")
        ]
        for n in range(number):
            await amara.decide("APPROVED" if n % 3 else "DENIED")
            await bo.decide("APPROVED" if n % 4 else "DENIED")
        await place.settle()
        while (disputed := await cleo.lease()) is not None:
            await cleo.say(disputed, "APPROVED")
    await place.settle()


async def test_agreement_is_of_experts_with_experts_beside_the_model(place: Workplace) -> None:
    await judged_twice(place, 30)
    lead = await place.sign_in("lee")

    await lead.goto(f"{place.url}/agreement")
    experts = lead.get_by_role("region", name="Reviewers with each other")
    await expect(experts).to_contain_text("agree, in 30 pairs of answers on 30 reviews")
    await expect(experts).to_contain_text("Krippendorff’s alpha")
    await expect(lead.get_by_role("region", name="Reviewers with the model")).to_be_visible()
    await expect(lead.locator("figure.confusion svg")).to_have_count(2)
    await Workbench(lead).is_accessible()

    await lead.get_by_role("link", name="amara").first.click()
    await lead.wait_for_url("**/reviewers/amara")
    await Workbench(lead).says("Agrees with other reviewers")
    await Workbench(lead).is_accessible()


async def test_an_auditor_reads_everything_but_whom_it_is_about(place: Workplace) -> None:
    (request,) = in_line(1)
    await place.publish(request)
    async with colleague(place.url, "bo") as bo:
        await bo.decide("APPROVED")
    await place.settle()
    member = request.case.input["member_id"]
    auditor = await place.sign_in("ada")
    workbench, heard = Workbench(auditor), await overhear(auditor)
    assert auditor.url == f"{place.url}/queue"  # no case is theirs to decide
    await workbench.is_accessible()

    await auditor.get_by_role("link", name="Audit", exact=True).click()
    await auditor.get_by_label("Who").fill("bo")
    await auditor.get_by_label("What", exact=True).select_option("submitted")
    await auditor.get_by_label("Review", exact=True).fill(request.review_id)
    await auditor.get_by_role("button", name="Show").click()
    await expect(auditor.locator("tbody tr")).to_have_count(1)
    await expect(auditor.locator("tbody th")).to_contain_text("bo")
    await workbench.is_accessible()
    await auditor.goto(f"{place.url}/reviews/{request.review_id}")
    await workbench.says("Member data is hidden from you.")
    await workbench.says("Audit trail of this review")
    await workbench.is_accessible()
    for path in ("/reviewers", "/reviewers/bo", "/agreement", "/reviews"):
        await auditor.goto(f"{place.url}{path}")
        await expect(auditor.locator("form[action*=pause]")).to_have_count(0)
        await workbench.is_accessible()

    assert heard
    assert not [body for body in heard if member in body]
    lead = await place.sign_in("lee")
    await lead.goto(f"{place.url}/reviews/{request.review_id}")
    await Workbench(lead).says(member)
    await lead.goto(f"{place.url}/audit")
    await Workbench(lead).says("This is not for your role")
    await Workbench(lead).is_accessible()


async def test_wrong_passwords_and_addresses_are_pages(place: Workplace) -> None:
    page = await (await place.context()).new_page()
    workbench = Workbench(page)
    await page.goto(place.url)
    await page.wait_for_url("**/sign-in")
    await workbench.is_accessible()
    await page.get_by_label("Name").fill("amara")
    await page.get_by_label("Password").fill("not-the-password")
    await page.keyboard.press("Enter")
    await workbench.says("wrong")
    await workbench.is_accessible()
    lead = await place.sign_in("lee")
    await lead.goto(f"{place.url}/reviews/none")
    await Workbench(lead).says("There is no such page")
    await Workbench(lead).is_accessible()
