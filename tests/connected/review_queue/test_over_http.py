"""What the API promises a reviewer, a lead and an auditor, asked by HTTP of the whole service."""

import asyncio
import json
from typing import Any

import httpx
import pytest

from shared.events import review_id_of
from tests.connected.review_queue.queues import ADDRESS, PASSWORD, Queue
from tests.connected.review_queue.services import (
    DENIAL,
    Clients,
    Service,
    act,
    leased,
    of,
    queued,
)
from tests.support.requests import requested

pytestmark = pytest.mark.usefixtures("empty_hands")

# Whatever would tell what the model said, in any response, as JSON or as a page.
GIVEAWAYS = ("v9.9-hidden", "0.6217", "62%", "the words of the model", "label_mass", "Unusual")


async def everything_seen(
    client: httpx.AsyncClient, assignment: dict[str, Any]
) -> dict[str, httpx.Response]:
    """All that a reviewer can ask of a case that he holds."""
    draft = {"content": {"reasoning": "mine"}}
    return {
        "held": await client.get("/v1/assignments"),
        "heartbeat": await act(client, assignment, "heartbeat", opened=True),
        "kept draft": await client.put(of(assignment, "/draft"), json=draft),
        "draft": await client.get(of(assignment, "/draft")),
        "page": await client.get(
            f"/assignments/{assignment['assignment_id']}", headers={"Accept": "text/html"}
        ),
        "search": await client.get("/v1/search", params={"text": assignment["case"]["case_id"]}),
        "review": await client.get(f"/v1/reviews/{assignment['review_id']}"),
        "wrong label": await act(client, assignment, "commit", label="PAID"),
        "wrong answer": await act(client, assignment, "submit", label="DENIED", reasoning="so"),
    }


@pytest.mark.parametrize("name", ["amara", "sam", "lee"])
async def test_nothing_gives_the_model_away_before_the_reviewer_has_an_answer(
    clients: Clients, inside: Queue, name: str
) -> None:
    await queued(inside, withheld=1.0)
    client = clients[name]
    answer = await client.post("/v1/assignments")
    assignment = answer.json()
    assert (assignment["answer"], assignment["reason"]) == (None, None)
    assert assignment["model_visible"] is False

    for what, seen in {"lease": answer, **await everything_seen(client, assignment)}.items():
        for giveaway in GIVEAWAYS:
            assert giveaway not in seen.text, (what, giveaway)

    committed = await act(client, assignment, "commit", label="APPROVED")
    assert committed.status_code == 200
    assert committed.json()["answer"]["version"] == "adjudication-v9.9-hidden"
    assert committed.json()["reason"] == "label_mass"
    seen_now = await everything_seen(client, assignment)
    for what in ("held", "page"):
        assert "v9.9-hidden" in seen_now[what].text, what


async def test_an_undone_answer_gives_nothing_away_either(clients: Clients, inside: Queue) -> None:
    await queued(inside, withheld=1.0)
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
    await queued(inside, withheld=1.0)
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


async def test_an_escalated_case_is_a_seniors_with_the_reason_in_front(
    clients: Clients, inside: Queue
) -> None:
    await queued(inside)
    assignment = await leased(clients["amara"])
    escalated = await act(clients["amara"], assignment, "escalate", reason="two rules collide")
    assert escalated.status_code == 204

    assert (await clients["bo"].post("/v1/assignments")).status_code == 204
    final = await leased(clients["sam"])
    assert (final["kind"], final["escalated_why"]) == ("final", "two rules collide")
    again = await act(clients["sam"], final, "escalate", reason="me neither")
    assert again.status_code == 409


@pytest.mark.parametrize("needed", ["reason_code", "criterion", "clinical_basis"])
async def test_a_denial_without_what_it_needs_names_the_field(
    clients: Clients, inside: Queue, needed: str
) -> None:
    await queued(inside)
    assignment = await leased(clients["amara"])
    lacking = {name: value for name, value in DENIAL.items() if name != needed}

    for body in (lacking, {**lacking, needed: None}):
        refused = await act(clients["amara"], assignment, "submit", **body)
        assert (refused.status_code, refused.json()["field"]) == (422, needed)
    assert (await act(clients["amara"], assignment, "submit", **DENIAL)).status_code == 200


@pytest.mark.parametrize("part", ["source", "version", "effective_date", "text"])
async def test_a_quoted_criterion_is_quoted_in_full(
    clients: Clients, inside: Queue, part: str
) -> None:
    await queued(inside)
    assignment = await leased(clients["amara"])
    for value in ("", " \n"):
        criterion = {**DENIAL["criterion"], part: value}
        refused = await act(
            clients["amara"], assignment, "submit", **{**DENIAL, "criterion": criterion}
        )
        assert (refused.status_code, refused.json()["field"]) == (422, f"criterion.{part}")


async def test_a_draft_outlives_its_lease_and_not_its_review(
    clients: Clients, inside: Queue
) -> None:
    await queued(inside)
    amara = clients["amara"]
    assignment = await leased(amara)
    plain = {"content": {"label": "DENIED", "reasoning": "half a sen"}}
    assert (await amara.put(of(assignment, "/draft"), json=plain)).status_code == 204
    await inside.expire()
    lost = await act(amara, assignment, "submit", **DENIAL)
    assert (lost.status_code, "expired" in lost.json()["detail"]) == (409, True)
    again = await leased(amara)
    assert (await amara.get(of(again, "/draft"))).json() == plain
    assert (await clients["bo"].get(of(again, "/draft"))).json() == {"content": None}
    assert (await clients["bo"].put(of(again, "/draft"), json=plain)).status_code == 404


async def test_a_paused_reviewer_is_told_and_loses_what_he_holds(
    clients: Clients, inside: Queue
) -> None:
    await queued(inside)
    amara, lee = clients["amara"], clients["lee"]
    assignment = await leased(amara)

    paused = await lee.post("/v1/reviewers/amara/pause", json={"why": "training day"})

    assert paused.json() == {"name": "amara", "returned": 1}
    for refused in (
        await amara.post("/v1/assignments"),
        await act(amara, assignment, "heartbeat"),
        await act(amara, assignment, "submit", **DENIAL),
    ):
        assert refused.status_code == 409
    assert "training day" in (await amara.post("/v1/assignments")).json()["detail"]
    assert (await leased(clients["bo"]))["review_id"] == assignment["review_id"]
    assert (await lee.post("/v1/reviewers/amara/resume")).status_code == 204
    assert (await amara.post("/v1/assignments")).status_code == 204  # bo has the only case
    for name, status in {"amara": 409, "nobody": 404, "olga": 404}.items():
        assert (await lee.post(f"/v1/reviewers/{name}/resume")).status_code == status


async def test_who_reads_leaves_a_trace_with_his_address(
    service: Service, clients: Clients, inside: Queue
) -> None:
    case_id = await queued(inside)
    start = (await inside.entries())[-1].entry_id
    spoofed = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    path = f"/v1/reviews/{review_id_of(case_id)}"
    assert (await clients["lee"].get(path, headers=spoofed)).status_code == 200
    assert (await clients["amara"].get(path)).status_code == 403  # refused: he saw nothing
    await clients["amara"].get("/v1/search", params={"text": case_id})
    await clients["ada"].get(path)
    await clients["ada"].get("/v1/audit")
    await clients["amara"].get("/v1/audit")  # refused

    entries = [entry for entry in await inside.entries() if entry.entry_id > start]
    assert [(entry.action, entry.actor, entry.role, entry.review_id) for entry in entries] == [
        ("viewed", "lee", "lead", review_id_of(case_id)),
        ("searched", "amara", "adjudicator", None),
        ("viewed", "ada", "auditor", review_id_of(case_id)),
        ("audit_read", "ada", "auditor", None),
    ]
    assert {entry.address for entry in entries} == {ADDRESS}
    assert case_id not in str(entries[1].details)  # what was searched may name a member


async def test_signing_in_and_out_leaves_traces(service: Service, inside: Queue) -> None:
    start = (await inside.entries())[-1].entry_id
    async with service.client() as page:
        await page.post("/sign-in", data={"name": "bo", "password": "not-the-password"})
        await page.post("/sign-in", data={"name": "bo", "password": PASSWORD})
        await page.post("/sign-out")
        await page.post("/sign-out")  # nobody is signed in any more
    async with await service.signed_in("bo") as script:
        await script.delete("/v1/sessions")

    entries = [entry for entry in await inside.entries() if entry.entry_id > start]
    assert [entry.action for entry in entries] == [
        "sign_in_failed",
        "signed_in",
        "signed_out",
        "signed_in",
        "signed_out",
    ]
    assert {(entry.actor, entry.address) for entry in entries} == {("bo", ADDRESS)}


async def test_the_auditor_reads_the_trail_page_by_page_and_no_member_data(
    clients: Clients, inside: Queue
) -> None:
    case_id = await queued(inside)
    review_id = review_id_of(case_id)
    assignment = await leased(clients["amara"])
    await act(clients["amara"], assignment, "release", reason="outside my field")
    ada = clients["ada"]

    found = (await ada.get("/v1/audit", params={"review_id": review_id})).json()
    assert [entry["action"] for entry in found["entries"]] == ["released", "leased"]
    assert found["before"] is None
    page = (await ada.get("/v1/audit", params={"review_id": review_id, "limit": 1})).json()
    older = {"review_id": review_id, "limit": 1, "before": page["before"]}
    rest = (await ada.get("/v1/audit", params=older)).json()["entries"]
    assert [entry["action"] for entry in page["entries"]] == ["audit_read"]  # the reading above
    assert [entry["action"] for entry in rest] == ["released"]

    shown = (await ada.get(f"/v1/reviews/{review_id}")).json()
    request = requested(case_id)
    assert request.case.input["member_id"] not in json.dumps(shown)
    assert request.case.group_id not in json.dumps(shown)
    assert shown["case"]["input"]["clinical_note"] != request.case.input["clinical_note"]


async def test_one_look_is_one_entry_however_many_pages_tell_of_it(
    clients: Clients, inside: Queue
) -> None:
    await queued(inside)
    held = await leased(clients["amara"])

    beats = await asyncio.gather(
        *(act(clients["amara"], held, "heartbeat", opened=True) for _ in range(8))
    )

    assert {beat.status_code for beat in beats} == {200}
    found = await inside.trail.page(
        before=2**63 - 1, limit=100, action="opened", review_id=held["review_id"]
    )
    assert len(found) == 1
