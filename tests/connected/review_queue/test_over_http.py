"""What the API promises a reviewer, a lead and an auditor, asked by HTTP of the whole service."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest

from services.review_queue.page_queries import Query
from services.review_queue.reviews import Shares
from shared.auth import ROLES
from shared.events import review_id_of
from tests.connected.review_queue.queues import ADDRESS, CRITERION, PASSWORD, Queue, running
from tests.connected.review_queue.services import USERS, Service, act, serving, token_of
from tests.support.requests import model_answer, requested
from tests.support.routes import allowed, public

DENIAL: dict[str, Any] = {
    "label": "DENIED",
    "reasoning": "a rule excludes it",
    "reason_code": "EXCLUDED",
    "criterion": CRITERION.model_dump(),
    "clinical_basis": "the note names no functional impairment",
}
APPROVAL = {"label": "APPROVED", "reasoning": "covered, and the note supports it"}
ANSWER = model_answer(
    version="adjudication-v9.9-hidden", confidence=0.6217, reasoning="the words of the model"
)
# Whatever would tell what the model said, in any response, as JSON or as a page.
GIVEAWAYS = ("v9.9-hidden", "0.6217", "62%", "the words of the model", "label_mass", "Unusual")

Clients = dict[str, httpx.AsyncClient]


@pytest.fixture(scope="module")
async def service(engines: dict[str, str], database: str) -> AsyncIterator[Service]:
    async with serving(engines, database, undo_seconds=300) as service:
        yield service


@pytest.fixture(scope="module")
async def clients(service: Service) -> AsyncIterator[Clients]:
    """Everybody, signed in."""
    async with AsyncExitStack() as stack:
        yield {
            name: await stack.enter_async_context(await service.signed_in(name)) for name in USERS
        }


@pytest.fixture(scope="module")
async def inside(service: Service, database: str) -> AsyncIterator[Queue]:
    """The same queue from within, where a test needs what no request can do."""
    async with running(database) as queue:
        yield queue


@pytest.fixture(autouse=True)
async def empty_hands(inside: Queue) -> None:
    """Nobody holds anything, nothing waits, nobody is paused."""
    tables = ("reviews", "drafts", "notes")
    names = ", ".join(f"review_queue.{table}" for table in tables)
    await inside.fetch(f"TRUNCATE {names} CASCADE")
    await inside.fetch(
        "UPDATE review_queue.users SET paused_by = NULL, paused_why = NULL, paused_at = NULL"
    )


async def queued(inside: Queue, *, overlap: float = 0.0, withheld: float = 0.0) -> str:
    """One case in an empty line."""
    inside.shares = Shares(overlap=overlap, withheld=withheld)
    case_id = f"case-{uuid4().hex[:8]}"
    request = requested(case_id, answer=ANSWER, reason="label_mass")
    await inside.handlers.reviews_requested([request])
    return case_id


async def leased(client: httpx.AsyncClient) -> dict[str, Any]:
    answer = await client.post("/v1/assignments")
    assert answer.status_code == 201
    found: dict[str, Any] = answer.json()
    return found


def of(assignment: dict[str, Any], what: str) -> str:
    return f"/v1/assignments/{assignment['assignment_id']}{what}"


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


@pytest.mark.parametrize(
    "body",
    [
        '{"content": {"a": NaN}}',
        '{"content": {"a": Infinity}}',
        '{"content": {"a": "\\u0000"}}',
        '{"content": {"a": "\\ud800"}}',
        '{"content": {"\\u0000": 1}}',
        '{"content": {"a": 1e400}}',
        '{"content": {"a": ' + "[" * 5000 + "]" * 5000 + "}}",
        '{"content": {"a": "' + "x" * 20_000 + '"}}',
        '{"content": [1]}',
        '{"content": null}',
        '{"content": {}, "reviewer": "bo"}',
        '{"content": ',
        "",
    ],
)
async def test_odd_drafts_are_kept_or_refused_and_never_fail(
    clients: Clients, inside: Queue, body: str
) -> None:
    await queued(inside)
    assignment = await leased(clients["amara"])

    kept = await clients["amara"].put(
        of(assignment, "/draft"), content=body, headers={"Content-Type": "application/json"}
    )

    assert kept.status_code in {204, 400, 422}
    assert (await clients["amara"].get(of(assignment, "/draft"))).status_code == 200


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


def asked(method: str, path: str) -> tuple[str, str]:
    return method, re.sub(r"{\w+}", str(uuid4()), path)


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_on_every_route(service: Service, inside: Queue, role: str) -> None:
    """By API token: the table, the whole table and nothing but the table."""
    async with service.by_token(role) as client:
        for (method, path), roles in allowed(service.app).items():
            answer = await client.request(*asked(method, path))

            assert answer.status_code != 401, (method, path)
            assert answer.status_code < 500, (method, path)
            if role not in roles:
                assert answer.status_code == 403, (method, path)
                assert "needs the role" in answer.json()["detail"]
            elif answer.status_code == 403:  # comes in, and may not see this one
                assert "needs the role" not in answer.json()["detail"], (method, path)


@pytest.mark.parametrize("name", USERS)
async def test_every_user_on_every_route(service: Service, inside: Queue, name: str) -> None:
    """By session, as cookie of our own page: the same."""
    async with service.client(**{"Sec-Fetch-Site": "same-origin"}) as page:
        await page.post("/sign-in", data={"name": name, "password": PASSWORD})
        last = ("DELETE", "/v1/sessions")  # it ends the session
        routes = allowed(service.app)
        for method, path in (*(routes.keys() - {last}), last):
            answer = await page.request(*asked(method, path))

            refused = answer.status_code == 403 and "needs the role" in answer.text
            assert refused is (USERS[name] not in routes[method, path]), (method, path)
            assert answer.status_code != 401, (method, path)
            assert answer.status_code < 500, (method, path)
        assert (await page.get("/v1/queue")).status_code == 401


async def test_nobody_comes_in_without_a_good_token(service: Service, inside: Queue) -> None:
    over = await service.signed_in("amara")
    async with over:
        await over.delete("/v1/sessions")
        signed_out = over.headers["Authorization"]
    async with await service.signed_in("bo") as expired:
        in_time = expired.headers["Authorization"]
        await inside.fetch("UPDATE review_queue.sessions SET expires_at = now() WHERE name = 'bo'")
    cookie = f"caseloop_session={in_time.removeprefix('Bearer ')}"
    strangers = {
        "nobody": {},
        "an unknown token": {"Authorization": "Bearer a-token-that-nobody-gave"},
        "an unknown session": {"Authorization": "Bearer session-that-nobody-gave"},
        "an empty token": {"Authorization": "Bearer "},
        "another scheme": {"Authorization": f"Basic {token_of('lead')}"},
        "a session that was ended": {"Authorization": signed_out},
        "a session that is over": {"Authorization": in_time},
        "a cookie that is over": {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"},
    }
    for stranger, headers in strangers.items():
        async with service.client(**headers) as client:
            for method, path in allowed(service.app):
                answer = await client.request(*asked(method, path))

                assert answer.status_code == 401, (stranger, method, path)


async def test_what_is_public_is_public(service: Service) -> None:
    async with service.client() as client:
        for method, path in public(service.app):
            answer = await client.request(method, path)

            assert answer.status_code < 500, (method, path)
            assert answer.status_code != 403, (method, path)
            assert "www-authenticate" not in answer.headers, (method, path)


# What PostgreSQL or JSON cannot hold, wherever the API takes text, times or numbers.
ODD_QUERIES = [
    ("amara", "/v1/search", {"text": "\x00"}),
    ("lee", "/v1/search", {"text": "   "}),
    ("ada", "/v1/audit", {"actor": "\x00"}),
    ("ada", "/v1/audit", {"review_id": "a\x00b"}),
    ("ada", "/v1/audit", {"before": str(2**63)}),
    ("ada", "/v1/audit", {"action": "nothing"}),
    ("lee", "/v1/seats", {"amount_from": "1E-20000"}),
    ("lee", "/v1/seats", {"amount_to": "NaN"}),
    ("lee", "/v1/seats", {"amount_from": "-0"}),
    ("lee", "/v1/seats", {"requested_before": "0001-01-01T00:00:00+14:00"}),
    ("lee", "/v1/seats", {"requested_before": "9999-12-31T23:59:59-14:00"}),
    ("lee", "/v1/seats", {"requested_before": "2026-01-01T00:00:00"}),
    ("lee", "/v1/seats", {"task": "\x00"}),
    ("lee", "/v1/seats", {"after": str(2**63)}),
    ("lee", "/v1/reviews/%00", {}),
    ("lee", "/v1/reviews/" + "x" * 200, {}),
    ("amara", "/v1/assignments/no-id/draft", {}),
]


@pytest.mark.parametrize(("name", "path", "query"), ODD_QUERIES)
async def test_odd_questions_are_answered_or_refused(
    clients: Clients, name: str, path: str, query: dict[str, str]
) -> None:
    answer = await clients[name].get(path, params=query)

    assert answer.status_code in {200, 404, 422}


ODD_TEXTS = ["\x00", "a\x00b", "\ud800", "\x1b[0m", " ", "", "x" * 5000, None, 7, ["DENIED"], {}]


@pytest.mark.parametrize("odd", ODD_TEXTS, ids=repr)
async def test_odd_texts_are_refused_wherever_text_is_taken(
    clients: Clients, inside: Queue, odd: object
) -> None:
    await queued(inside, withheld=1.0)
    amara, lee, olga = (clients[name] for name in ("amara", "lee", "olga"))
    held = await leased(amara)
    token, criterion = {"token": held["token"]}, DENIAL["criterion"]
    review = f"/v1/reviews/{held['review_id']}"
    changed = {**APPROVAL, "why": "so", "supersedes_revision": 0}
    bodies: list[tuple[httpx.AsyncClient, str, dict[str, Any]]] = [
        (amara, of(held, "/commit"), {**token, "label": odd}),
        (amara, of(held, "/release"), {**token, "reason": odd}),
        (amara, of(held, "/escalate"), {**token, "reason": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "label": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "reasoning": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "reason_code": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "clinical_basis": odd}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "panels": [odd]}),
        (amara, of(held, "/submit"), {**token, **DENIAL, "criterion": {**criterion, "text": odd}}),
        (amara, f"{review}/notes", {"text": odd}),
        (amara, f"{review}/corrections", {**changed, "why": odd}),
        (lee, "/v1/reviewers/amara/pause", {"why": odd}),
        (olga, "/v1/users", {"name": odd, "role": "lead", "password": PASSWORD}),
        (olga, "/v1/users", {"name": "nora", "role": odd, "password": PASSWORD}),
    ]
    for client, path, body in bodies:
        answer = await client.post(
            path, content=json.dumps(body), headers={"Content-Type": "application/json"}
        )

        assert answer.status_code in {400, 422}, (path, body)


ODD_WORDS = [
    "\x00",
    " ",
    "x" * 300,
    "-1",
    "1E-20000",
    "NaN",
    str(2**63),
    "0001-01-01T00:00:00+14:00",
]


@pytest.mark.parametrize("odd", ODD_WORDS, ids=ascii)
async def test_no_page_fails_whatever_stands_in_its_address(
    service: Service, clients: Clients, inside: Queue, odd: str
) -> None:
    names = {name for query in Query.__subclasses__() for name in query.model_fields}
    assert names >= {"task", "amount_from", "before", "text", "actor"}
    pages = [
        path for method, path in allowed(service.app) if method == "GET" and "/v1/" not in path
    ]
    headers = {"Accept": "text/html"}
    for path in pages:
        client = next(
            c for n, c in clients.items() if USERS[n] in allowed(service.app)["GET", path]
        )
        for name in sorted(names):
            answer = await client.get(asked("GET", path)[1], params={name: odd}, headers=headers)

            assert answer.status_code < 500, (path, name)


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
