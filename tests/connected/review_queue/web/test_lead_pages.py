"""The pages of whoever looks after the queue, each as its role gets it."""

import re
from html import unescape
from itertools import chain

import pytest

from services.review_queue.reviewing.opinions import Answer
from services.review_queue.reviewing.review import Shares
from shared.events import review_id_of
from tests.connected.review_queue.harness import (
    APPROVED,
    DENIED,
    PENDING,
    Queue,
    said,
)
from tests.connected.review_queue.page_harness import Browse, link_of, names_in, page, sent, text_of
from tests.support.builders.events import case

# The queue and its lists


async def test_counts_lead_to_lists_for_those_who_may_list(queue: Queue, browse: Browse) -> None:
    await queue.request("a", "b", reason="low_confidence")

    lead, adjudicator = await page(browse, "lee", "/queue"), await page(browse, "amara", "/queue")

    link = "/reviews?task=adjudication&amp;state=queued&amp;reason=low_confidence"
    assert f'<a href="{link}">2</a>' in lead
    assert "/reviews" not in adjudicator
    assert "First opinion" in adjudicator
    assert names_in(await page(browse, "lee", unescape(link))) == ["a", "b"]
    await page(browse, "amara", "/reviews", status=403)


async def test_what_nobody_may_give_is_said(queue: Queue, browse: Browse) -> None:
    await queue.employ("amara")
    queue.shares = Shares(overlap=1.0, blind=0.0)
    await queue.request("case-1")
    await said(queue, ("amara", DENIED))

    shown = text_of(await page(browse, "lee", "/queue"))

    assert "1 case is stuck waiting for another opinion" in shown
    assert "caseloop users add NAME adjudicator" in shown


async def test_an_empty_queue_says_so(browse: Browse) -> None:
    assert "The queue is empty" in await page(browse, "olga", "/queue")
    assert "Nothing matches" in await page(browse, "lee", "/reviews")


@pytest.mark.parametrize("order", ["oldest", "newest"])
async def test_a_list_turns_onward_and_back_without_gaps(
    queue: Queue, browse: Browse, order: str
) -> None:
    names = [f"{number:02}" for number in range(10)]
    for name in names:
        await queue.request(name)
    expected = names if order == "oldest" else names[::-1]
    onward, back = ("Newer", "Older") if order == "oldest" else ("Older", "Newer")

    html = await page(browse, "lee", f"/reviews?order={order}&state=queued&reason=&limit=4")
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
    fields = {"/reviews": "amount_from", "/audit": "actor", "/agreement": "task"}
    for path, name in fields.items():
        async with browse("ada" if path == "/audit" else "lee") as client:
            answer = await client.get(path, params={name: attack})
        assert "<script>alert" not in answer.text, path
    assert "<script>alert" not in await found(browse, "lee", attack)
    async with browse("lee") as client:
        refused = await client.post("/reviewers/nobody/pause", data={"why": attack})
    assert "<script>alert" not in refused.text


async def found(browse: Browse, name: str, text: str) -> str:
    """The page that a search leads to."""
    async with browse(name) as client:
        answer = await client.post("/search", data={"text": text})
    assert answer.status_code == 200
    return answer.text


async def test_search_links_what_the_reviewer_may_open(queue: Queue, browse: Browse) -> None:
    for name in ("mine", "theirs"):
        await queue.request(name, case=case(name, claim_id=f"claim-{name}", group_id="member:M-1"))
        await queue.answer("amara" if name == "mine" else "bo", APPROVED)
    await queue.settle()

    html = await found(browse, "amara", "M-1")
    assert names_in(html) == ["mine"]
    assert "claim-theirs" in html
    assert names_in(await found(browse, "sam", "M-1")) == ["theirs", "mine"]
    assert "Nothing found" in await found(browse, "amara", "M-2")
    assert "Nothing found" not in await found(browse, "amara", "")
    searches = [entry for entry in await queue.entries() if entry.action == "searched"]
    assert [entry.review_id for entry in searches] == [
        *(2 * [review_id_of("theirs"), review_id_of("mine")]), None
    ]  # fmt: skip


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
    assert re.search(r"Paused by lee, (just now|\d+ \w+ ago) : on leave <until> Monday", shown)
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
    assert 'data-tone="negative"' not in html  # what they said of an open review
    await sent(browse, "ada", "/reviewers/amara/pause", status=403, why="no")
    await page(browse, "amara", "/reviewers", status=403)


# Agreement


async def twice(queue: Queue, case_id: str, first: Answer, second: Answer) -> None:
    """A review that amara and bo answer without the model, and cleo where they differ."""
    queue.shares = Shares(overlap=1.0, blind=1.0)
    await queue.request(case_id)
    await said(queue, ("amara", first), ("bo", second))
    if first != second:
        await said(queue, ("cleo", second))


async def test_agreement_says_when_there_is_not_enough(queue: Queue, browse: Browse) -> None:
    nothing = text_of(await page(browse, "lee", "/agreement"))
    assert nothing.count("No answers to compare yet") == 2
    assert nothing.count("0 of 30 reviews") >= 2
    for number in range(3):
        await twice(queue, f"case-{number}", DENIED, DENIED if number else APPROVED)

    shown = text_of(await page(browse, "ada", "/agreement?task=adjudication&days=7"))

    assert "67% agree, in 3 pairs of answers on 3 reviews" in shown
    assert "83% agree, in 6 pairs of answers on 3 reviews" in shown
    assert "3 of 30 reviews" in shown
    assert "Krippendorff’s alpha" not in shown.split("What these numbers mean")[0]


async def test_agreement_has_its_coefficients_once_there_is_enough(
    queue: Queue, browse: Browse
) -> None:
    for number, second in enumerate([DENIED, APPROVED, PENDING] * 10):
        await twice(queue, f"case-{number}", second if number % 5 else APPROVED, second)

    html = await page(browse, "lee", "/agreement")
    shown = text_of(html)

    assert "Krippendorff’s alpha 0." in shown
    assert "Fleiss’ kappa 0." in shown
    assert "Cohen’s kappa" in shown
    assert html.count('<figure class="confusion">') == 2
    assert "amara bo" in shown  # by pair
    assert "adjudication-v1.0" in shown


# Audit


async def test_the_trail_is_filtered_and_turned(queue: Queue, browse: Browse) -> None:
    for number in range(4):
        await queue.decide(f"case-{number}")

    html = await page(browse, "ada", "/audit?action=submitted&actor=amara&review_id=&limit=3")
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
    queue.shares = Shares(overlap=1.0, blind=0.0)
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
