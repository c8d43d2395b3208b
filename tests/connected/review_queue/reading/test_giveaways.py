"""Before reviewers have an answer of their own, nothing that they can ask for gives away what the
model or another reviewer said."""

import json
import re
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.review_queue.reviewing.review import Shares
from tests.connected.review_queue.harness import Queue
from tests.connected.review_queue.service_harness import (
    ANSWER,
    DENIAL,
    Clients,
    act,
    leased,
    of,
    queued,
)
from tests.support.builders.events import NOW

pytestmark = pytest.mark.usefixtures("empty_hands")

# Whatever would tell what the model said, in any response, as JSON or as a page.
PAGE = {"Accept": "text/html"}
GIVEAWAYS = ("v9.9-hidden", "0.6217", "62%", "the words of the model", "label_mass", "Unusual")


async def everything_seen(
    client: httpx.AsyncClient, assignment: dict[str, Any]
) -> dict[str, httpx.Response]:
    """All that a reviewer can ask of a case that they hold."""
    draft = {"content": {"reasoning": "mine"}}
    return {
        "held": await client.get("/v1/assignments"),
        "heartbeat": await act(client, assignment, "heartbeat", opened=True),
        "kept draft": await client.put(of(assignment, "/draft"), json=draft),
        "draft": await client.get(of(assignment, "/draft")),
        "page": await client.get(f"/assignments/{assignment['assignment_id']}", headers=PAGE),
        "search": await client.post("/v1/search", json={"text": assignment["case"]["case_id"]}),
        "review": await client.get(f"/v1/reviews/{assignment['review_id']}"),
        "queue": await client.get("/v1/queue"),
        "queue page": await client.get("/queue", headers=PAGE),
        "list": await client.get("/v1/seats"),
        "list page": await client.get("/reviews", headers=PAGE),
        "review page": await client.get(f"/reviews/{assignment['review_id']}", headers=PAGE),
        "search page": await client.post(
            "/search", data={"text": assignment["case"]["case_id"]}, headers=PAGE
        ),
        "my work": await client.get("/v1/my-work"),
        "my agreement": await client.get("/v1/my-work/agreement"),
        "agreement": await client.get(
            "/v1/agreement", params={"task": "adjudication", "basis": "all"}
        ),
        "figures": await client.get("/agreement", params={"basis": "all"}, headers=PAGE),
        "counted as unusual": await client.get("/v1/seats", params={"reason": "label_mass"}),
        "wrong label": await act(client, assignment, "commit", label="PAID"),
        "wrong answer": await act(client, assignment, "submit", label="DENIED", reasoning="so"),
    }


@pytest.mark.parametrize("name", ["amara", "sam", "lee"])
async def test_nothing_gives_the_model_away_before_the_reviewer_has_an_answer(
    clients: Clients, inside: Queue, name: str
) -> None:
    await queued(inside, blind=1.0)
    client = clients[name]
    answer = await client.post("/v1/assignments")
    assignment = answer.json()
    assert (assignment["answer"], assignment["reason"]) == (None, None)
    assert assignment["model_visible"] is False

    for what, seen in {"lease": answer, **await everything_seen(client, assignment)}.items():
        shown = re.sub("<option.*?</option>", "", seen.text)  # what can be filtered by
        for giveaway in GIVEAWAYS:
            assert giveaway not in shown, (what, giveaway)

    committed = await act(client, assignment, "commit", label="APPROVED")
    assert committed.status_code == 200
    assert committed.json()["answer"]["version"] == "adjudication-v9.9-hidden"
    assert committed.json()["reason"] == "label_mass"
    seen_now = await everything_seen(client, assignment)
    for what in ("held", "page"):
        assert "v9.9-hidden" in seen_now[what].text, what


async def test_an_audit_is_not_given_away_by_its_rank(clients: Clients, inside: Queue) -> None:
    """Else whoever asks for the lowest priority knows that the model would have approved."""
    inside.shares = Shares(overlap=0.0, blind=1.0)
    usual, audit = uuid4().hex, uuid4().hex
    await inside.request(audit, reason="audit", occurred_at=NOW)
    await inside.request(usual, reason="adverse", occurred_at=NOW + timedelta(hours=1))
    amara = clients["amara"]

    assert (await amara.post("/v1/assignments", json={"priority": 1})).status_code == 204
    assert [(await leased(amara))["case"]["case_id"] for _ in range(2)] == [audit, usual]
    counts = (await clients["bo"].get("/v1/queue")).json()["counts"]
    assert {count["reason"] for count in counts} == {"blind"}


@pytest.mark.parametrize("name", ["amara", "sam", "lee"])
async def test_an_audit_looks_like_any_case_that_is_drawn_to_be_blind(
    clients: Clients, inside: Queue, name: str
) -> None:
    """Whoever knows it for an audit knows that the model would have approved."""
    seen = []
    for reason, blind in (("audit", 0.0), ("low_confidence", 1.0)):
        inside.shares = Shares(overlap=0.0, blind=blind)
        case_id = f"case-{uuid4().hex[:8]}"
        await inside.request(case_id, reason=reason, answer=ANSWER, occurred_at=NOW)
        assignment = await leased(clients[name])
        shown = await everything_seen(clients[name], assignment)
        answers = {"lease": json.dumps(assignment)} | {k: v.text for k, v in shown.items()}
        await act(clients[name], assignment, "release", reason="later")
        await inside.fetch("TRUNCATE review_queue.reviews CASCADE")
        seen.append({what: _alike(text, assignment) for what, text in answers.items()})

    for what in seen[0]:
        assert seen[0][what] == seen[1][what], what


def _alike(text: str, assignment: dict[str, Any]) -> str:
    """Without what differs between any two cases: ids, numbers and times."""
    case_id = assignment["case"]["case_id"]
    for own in (assignment["assignment_id"], assignment["review_id"], case_id):
        text = text.replace(own, "…")
    return re.sub(r"\d+", "0", re.sub(r"[0-9a-f]{64}", "…", text))


async def test_an_undone_answer_gives_nothing_away_either(clients: Clients, inside: Queue) -> None:
    await queued(inside, blind=1.0)
    amara = clients["amara"]
    assignment = await leased(amara)
    submitted = await act(amara, assignment, "submit", **DENIAL)
    review = await amara.get(f"/v1/reviews/{assignment['review_id']}")
    undone = await act(amara, assignment, "undo")

    assert [each.status_code for each in (submitted, review, undone)] == [200, 200, 200]
    for seen in (submitted, review, undone):
        for giveaway in GIVEAWAYS:
            assert giveaway not in seen.text


async def test_the_answer_before_is_kept_and_only_the_first_one(
    clients: Clients, inside: Queue
) -> None:
    await queued(inside, blind=1.0)
    amara = clients["amara"]
    assignment = await leased(amara)
    assert (await act(amara, assignment, "commit", label="APPROVED")).status_code == 200

    again = await act(amara, assignment, "commit", label="DENIED")
    assert again.status_code == 409
    assert "committed to APPROVED" in again.json()["detail"]
    assert (await amara.get("/v1/assignments")).json()[0]["label_before"] == "APPROVED"
    assert (await act(amara, assignment, "submit", **DENIAL)).status_code == 200
    shown = (await amara.get(f"/v1/reviews/{assignment['review_id']}")).json()
    opinion = shown["seats"][0]["opinion"]
    assert (opinion["label_before"], opinion["label"]) == ("APPROVED", "DENIED")


@pytest.mark.parametrize("overlap", [0.0, 1.0])
async def test_a_shown_answer_is_shown_at_once(
    clients: Clients, inside: Queue, overlap: float
) -> None:
    await queued(inside, overlap=overlap)

    assignment = await leased(clients["amara"])

    assert assignment["answer"]["version"] == "adjudication-v9.9-hidden"
    assert assignment["reason"] == "label_mass"
    refused = await act(clients["amara"], assignment, "commit", label="DENIED")
    assert refused.status_code == 409


async def test_two_reviewers_are_blind_to_each_other(clients: Clients, inside: Queue) -> None:
    await queued(inside, overlap=1.0)
    amara, bo, sam = (clients[name] for name in ("amara", "bo", "sam"))
    first = await leased(amara)
    words = {**DENIAL, "reasoning": "the secret of amara"}
    await amara.post(f"/v1/reviews/{first['review_id']}/notes", json={"text": "amara's own note"})
    assert (await act(amara, first, "submit", **words)).status_code == 200

    for client in (bo, sam):
        second = await leased(client)
        assert second["kind"] == "second"
        assert (second["opinions"], second["escalated_why"]) == ([], None)
        for what, seen in (await everything_seen(client, second)).items():
            assert "secret of amara" not in seen.text, what
            assert "amara's own note" not in seen.text, what
        assert (await act(client, second, "release", reason="next one")).status_code == 204
