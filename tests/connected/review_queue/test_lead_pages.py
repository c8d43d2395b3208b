"""The pages besides the review itself, on a real database: each as its role gets it, without
scripts."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from html import unescape
from itertools import chain

import httpx
import pytest
from fastapi import FastAPI, Request

from services.review_queue.lead_pages import people_pages, queue_pages
from services.review_queue.my_pages import my_pages
from services.review_queue.opinions import Correction
from services.review_queue.pages import Pages
from services.review_queue.problems import translate
from services.review_queue.review_pages import review_pages
from services.review_queue.reviews import Shares
from services.review_queue.statistics import Statistics
from shared.auth import Principal
from shared.events import review_id_of
from shared.tasks.masking import MASK
from tests.connected.review_queue.queues import (
    APPROVED,
    CRITERION,
    DENIED,
    HOUR,
    PENDING,
    Queue,
    actor,
    hold,
)
from tests.support.builders import case, claim_input

Browse = Callable[[str], httpx.AsyncClient]


@pytest.fixture
def browse(queue: Queue) -> Browse:
    """A browser of somebody: who it is stands in a header, as no page can tell."""
    pages = Pages(lambda: datetime.now(UTC))
    statistics = Statistics(queue.database, correction=HOUR * 24)
    app = FastAPI()
    for router in (
        queue_pages(pages, queue.listing, queue.trail),
        review_pages(pages, queue.listing, queue.corrections, queue.notes, queue.trail),
        people_pages(pages, queue.reviewers, statistics),
        my_pages(pages, statistics, queue.corrections, queue.trail),
    ):
        app.include_router(router)
    translate(app, pages)
    app.state.identify = _by_header

    def browser(name: str) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://queue",
            headers={"Accept": "text/html", "X-Name": name},
        )

    return browser


async def _by_header(request: Request) -> Principal:
    name = request.headers["X-Name"]
    return Principal(name, actor(name).role)


async def page(browse: Browse, name: str, path: str, status: int = 200) -> str:
    """What somebody sees at a path."""
    async with browse(name) as client:
        answer = await client.get(path)
    assert answer.status_code == status, answer.text
    assert "text/html" in answer.headers["content-type"]
    return answer.text


async def sent(
    browse: Browse, name: str, path: str, status: int = 303, **fields: str
) -> httpx.Response:
    async with browse(name) as client:
        answer = await client.post(path, data=fields)
    assert answer.status_code == status, answer.text
    return answer


def text_of(html: str) -> str:
    """What is read on a page, without its markup."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", html)))


def names_in(html: str) -> list[str]:
    return re.findall(r'<a href="/reviews/[^"]+">claim-([^<]+)</a>', html)


def link_of(html: str, words: str) -> str:
    found = re.search(rf'href="([^"]+)"[^>]*>[^<]*{words}', html)
    assert found, words
    return unescape(found[1])


# The queue and its lists


async def test_counts_lead_to_lists_for_those_who_may_list(queue: Queue, browse: Browse) -> None:
    await queue.request("a", "b", reason="audit")

    lead, adjudicator = await page(browse, "lee", "/queue"), await page(browse, "amara", "/queue")

    link = "/reviews?task=adjudication&amp;state=queued&amp;reason=audit"
    assert f'<a href="{link}">2</a>' in lead
    assert "/reviews" not in adjudicator
    assert "First opinion" in adjudicator
    assert names_in(await page(browse, "lee", unescape(link))) == ["a", "b"]
    await page(browse, "amara", "/reviews", status=403)


async def test_an_empty_queue_says_so(browse: Browse) -> None:
    assert "The queue is empty" in await page(browse, "olga", "/queue")
    assert "Nothing matches" in await page(browse, "lee", "/reviews")


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_list_turns_onward_and_back_without_gaps(
    queue: Queue, browse: Browse, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setattr("services.review_queue.lead_pages._ROWS", 4)
    names = [f"{number:02}" for number in range(10)]
    for name in names:
        await queue.request(name)
    expected = names if order == "oldest" else names[::-1]
    onward, back = ("Newer", "Older") if order == "oldest" else ("Older", "Newer")

    html = await page(browse, "lee", f"/reviews?order={order}&state=queued&reason=")
    seen = [names_in(html)]
    assert f"← {back}" not in html
    while f"{onward} →" in html:
        html = await page(browse, "lee", link_of(html, f"{onward} →"))
        seen.append(names_in(html))
    assert list(chain.from_iterable(seen)) == expected
    assert [len(each) for each in seen] == [4, 4, 2]
    html = await page(browse, "lee", link_of(html, f"← {back}"))
    assert names_in(html) == expected[4:8]
    assert f"{onward} →" in html
    html = await page(browse, "lee", link_of(html, f"← {back}"))
    assert names_in(html) == expected[:4]
    assert f"← {back}" not in html


async def test_a_wrong_filter_is_named_and_what_was_asked_stays(browse: Browse) -> None:
    html = await page(browse, "lee", "/reviews?kind=final&amount_from=much", status=422)

    assert "Amount from: " in text_of(html)
    assert '<option value="final" selected>' in html
    assert 'name="amount_from" value="much"' in html


async def test_what_is_asked_for_is_never_markup(browse: Browse) -> None:
    attack = '"><script>alert(1)</script>'
    fields = {"/reviews": "amount_from", "/audit": "actor", "/search": "text", "/agreement": "task"}
    for path, name in fields.items():
        async with browse("ada" if path == "/audit" else "lee") as client:
            answer = await client.get(path, params={name: attack})
        assert "<script>alert" not in answer.text, path


async def test_search_links_what_the_reviewer_may_open(queue: Queue, browse: Browse) -> None:
    for name in ("mine", "theirs"):
        await queue.request(name, case=case(name, claim_id=f"claim-{name}", group_id="member:M-1"))
        await queue.answer("amara" if name == "mine" else "bo", APPROVED)
    await queue.settle()

    html = await page(browse, "amara", "/search?text=M-1")
    assert names_in(html) == ["mine"]
    assert "claim-theirs" in html
    assert names_in(await page(browse, "sam", "/search?text=M-1")) == ["theirs", "mine"]
    assert "Nothing found" in await page(browse, "amara", "/search?text=M-2")
    assert "Nothing found" not in await page(browse, "amara", "/search?text=")
    searches = [entry for entry in await queue.entries() if entry.action == "searched"]
    assert [entry.details["found"] for entry in searches] == [2, 2, 0]


# One review


async def test_a_review_shows_what_was_said_once_nobody_can_be_swayed(
    queue: Queue, browse: Browse
) -> None:
    queue.shares = Shares(overlap=1.0, withheld=1.0)
    await queue.request("case-1")
    path = f"/reviews/{review_id_of('case-1')}"
    held = hold(await queue.lease("amara"), "amara")
    await queue.work.commit(held, "APPROVED")
    await queue.work.submit(held, DENIED, panels=("fee_schedule",))
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
    await queue.work.release(hold(await queue.lease("bo"), "bo"), "outside my field")
    await queue.work.escalate(hold(await queue.lease("amara")), "beyond me")
    await queue.answer("sam", PENDING)
    await queue.settle()

    shown = text_of(await page(browse, "lee", f"/reviews/{review_id_of('case-1')}"))

    told = ["Final word", "bo gave it back", "outside my field", "amara handed it on", "beyond me"]
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
    assert "takes this case no more" not in audited
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
    assert "The note: " in refused.text
    await sent(browse, "bo", f"{path}/notes", status=404, text="let me in")


# Reviewers


async def test_a_lead_pauses_and_resumes_and_says_why(queue: Queue, browse: Browse) -> None:
    await queue.employ("amara", "lee")
    await queue.request("case-1")
    await queue.lease("amara")
    before = await page(browse, "lee", "/reviewers/amara")
    assert "The 1 held now goes to the others at once" in text_of(before)
    assert "claim-case-1" in before

    refused = await sent(browse, "lee", "/reviewers/amara/pause", status=422, why=" ")
    assert "Say why, in a line" in refused.text
    await sent(browse, "lee", "/reviewers/amara/pause", why="on leave <until> Monday")

    assert (await queue.states())["case-1"] == "queued"
    shown = text_of(await page(browse, "lee", "/reviewers"))
    assert "Paused by lee, just now : on leave <until> Monday" in shown
    again = await sent(browse, "lee", "/reviewers/amara/pause", status=409, why="twice")
    assert "Amara is paused already" in again.text
    await sent(browse, "lee", "/reviewers/amara/resume")
    assert "Paused" not in await page(browse, "lee", "/reviewers")
    await queue.request("case-2")
    assert await queue.lease("amara")


async def test_an_auditor_sees_reviewers_and_changes_nothing(queue: Queue, browse: Browse) -> None:
    await queue.employ("amara")
    await queue.decide("case-1")

    html = await page(browse, "ada", "/reviewers/amara")

    assert re.findall(r'<form method="post" action="([^"]+)"', html) == ["/sign-out"]
    assert "Decided in the last 24 hours" in html
    assert 'data-tone="negative"' not in html  # what he said of an open review
    await sent(browse, "ada", "/reviewers/amara/pause", status=403, why="no")
    await page(browse, "amara", "/reviewers", status=403)


# Agreement


async def test_agreement_says_when_there_is_not_enough(queue: Queue, browse: Browse) -> None:
    nothing = text_of(await page(browse, "lee", "/agreement"))
    assert nothing.count("No answers to compare yet") == 2
    assert nothing.count("0 of 30 reviews") >= 2
    queue.shares = Shares(overlap=1.0, withheld=1.0)
    for number in range(3):
        await queue.request(f"case-{number}")
        await queue.answer("amara", DENIED)
        await queue.answer("bo", DENIED if number else APPROVED)
        await queue.settle()

    shown = text_of(await page(browse, "ada", "/agreement?task=adjudication&days=7"))

    assert "67% agree, in 3 pairs of answers on 3 reviews" in shown
    assert "83% agree, in 6 pairs of answers on 3 reviews" in shown
    assert "3 of 30 reviews" in shown
    assert "Krippendorff’s alpha" not in shown.split("What these numbers say")[0]


async def test_agreement_has_its_coefficients_once_there_is_enough(
    queue: Queue, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.shares = Shares(overlap=1.0, withheld=1.0)
    for number, second in enumerate([DENIED, APPROVED, PENDING] * 10):
        await queue.request(f"case-{number}")
        await queue.answer("amara", second if number % 5 else APPROVED)
        await queue.answer("bo", second)
        await queue.settle()

    html = await page(browse, "lee", "/agreement")
    shown = text_of(html)

    assert "Krippendorff’s alpha 0." in shown
    assert "Fleiss’ kappa 0." in shown
    assert "Cohen’s kappa" in shown
    assert html.count('<figure class="confusion">') == 2
    assert "amara bo" in shown  # by pair
    assert "adjudication-v1.0" in shown


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
    change = {
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


# Audit


async def test_the_trail_is_filtered_and_turned(
    queue: Queue, browse: Browse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.review_queue.lead_pages._ROWS", 3)
    for number in range(4):
        await queue.decide(f"case-{number}")

    html = await page(browse, "ada", "/audit?action=submitted&actor=amara&review_id=")
    assert html.count("<td>submitted</td>") == 3
    older = await page(browse, "ada", link_of(html, "Older →"))
    assert older.count("<td>submitted</td>") == 1
    assert "Older →" not in older
    assert "← Newest" in older
    one = await page(browse, "ada", f"/audit?review_id={review_id_of('case-2')}")
    assert one.count("<td>leased</td>") == 1
    assert "No entries" in await page(browse, "ada", "/audit?actor=nobody")
    assert "Action: " in text_of(await page(browse, "ada", "/audit?action=x", status=422))
    await page(browse, "lee", "/audit", status=403)


async def test_no_page_carries_scripts_or_styles_of_its_own(queue: Queue, browse: Browse) -> None:
    await queue.employ("amara")
    queue.shares = Shares(overlap=1.0, withheld=0.0)
    await queue.request("case-1")
    await queue.answer("amara", DENIED)
    await queue.answer("bo", DENIED)
    await queue.settle()
    review = review_id_of("case-1")
    pages = {
        "lee": ["/queue", "/reviews", "/search", "/reviewers", "/reviewers/amara",
                "/agreement?basis=all", f"/reviews/{review}"],
        "amara": ["/my-work", f"/my-work/{review}"],
        "ada": ["/audit", f"/reviews/{review}"],
    }  # fmt: skip
    for name, paths in pages.items():
        for path in paths:
            html = await page(browse, name, path)
            for forbidden in ("style=", "onclick", "<style", "<script>", "http://", "https://"):
                assert forbidden not in html, (path, forbidden)
            assert "undefined" not in html.lower().replace("undefined: only", ""), path
