"""What the API promises a reviewer, a lead and an auditor, asked by HTTP of the whole service."""

import asyncio
import json

import pytest

from shared.events import review_id_of
from tests.connected.review_queue.harness import ADDRESS, PASSWORD, Queue
from tests.connected.review_queue.service_harness import (
    DENIAL,
    Clients,
    Service,
    act,
    leased,
    of,
    queued,
)
from tests.support.builders.requests import requested

pytestmark = pytest.mark.usefixtures("empty_hands")


async def test_the_rules_of_a_case_can_be_quoted_as_they_are(
    clients: Clients, inside: Queue
) -> None:
    await queued(inside)
    assignment = await leased(clients["amara"])
    rule = assignment["rules"][0]
    assert {rule["source"] for rule in assignment["rules"]} == {"Choice PPO"}
    quoted = {name: rule[name] for name in ("source", "version", "effective_date", "text")}

    done = await act(clients["amara"], assignment, "submit", **{**DENIAL, "criterion": quoted})

    assert done.status_code == 200
    shown = (await clients["amara"].get(f"/v1/reviews/{assignment['review_id']}")).json()
    assert shown["seats"][0]["opinion"]["criterion"] == quoted


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


async def test_a_paused_reviewer_is_told_and_loses_what_they_hold(
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


async def test_reading_leaves_a_trace_with_the_address(
    service: Service, clients: Clients, inside: Queue
) -> None:
    case_id = await queued(inside)
    start = (await inside.entries())[-1].entry_id
    spoofed = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    path = f"/v1/reviews/{review_id_of(case_id)}"
    assert (await clients["lee"].get(path, headers=spoofed)).status_code == 200
    assert (await clients["amara"].get(path)).status_code == 403  # refused: they saw nothing
    await clients["amara"].post("/v1/search", json={"text": case_id})
    await clients["ada"].get(path)
    await clients["ada"].get("/v1/audit")
    await clients["amara"].get("/v1/audit")  # refused

    entries = [entry for entry in await inside.entries() if entry.entry_id > start]
    assert [(entry.action, entry.actor, entry.role, entry.review_id) for entry in entries] == [
        ("viewed", "lee", "lead", review_id_of(case_id)),
        ("searched", "amara", "adjudicator", review_id_of(case_id)),
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
    assert json.dumps(request.case.input["member_id"]) not in json.dumps(shown)
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
