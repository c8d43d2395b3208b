"""The whole service: requests come in by Kafka, people work by HTTP, decisions leave by Kafka.

Kafka may hold what other runs have left, so cases are named for this run and leased by name.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from shared.events import review_id_of
from shared.messaging.topics import (
    DECISIONS_CORRECTED,
    DECISIONS_MADE,
    REVIEWS_COMPLETED,
    REVIEWS_REQUESTED,
)
from tests.connected.review_queue.harness import CRITERION, PASSWORD
from tests.connected.review_queue.service_harness import Service, act, serving
from tests.support.builders.events import case, claim_input
from tests.support.builders.requests import requested
from tests.support.patience import PATIENCE_SECONDS, until

RUN = uuid4().hex[:8]
DENIAL = {
    "label": "DENIED",
    "reasoning": "a rule excludes it",
    "reason_code": "EXCLUDED",
    "criterion": CRITERION.model_dump(),
    "clinical_basis": "the note names no functional impairment",
}


@pytest.fixture(scope="module")
async def service(engines: dict[str, str], database: str) -> AsyncIterator[Service]:
    async with serving(engines, database) as service:
        yield service


@pytest.fixture(scope="module")
async def amara(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    async with await service.signed_in("amara") as client:
        yield client


def named(name: str) -> str:
    return f"{name}-{RUN}"


async def publish(service: Service, *case_ids: str, **changes: Any) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=service.engines.kafka_bootstrap)
    await producer.start()
    for case_id in case_ids:
        event = requested(case_id, **changes)
        value = event.model_dump_json().encode()
        await producer.send_and_wait(REVIEWS_REQUESTED.name, value, key=event.key.encode())
    await producer.stop()


async def lease(client: httpx.AsyncClient, case_id: str) -> dict[str, Any]:
    """The lease of that case, waited for; others are given back."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer = await client.post("/v1/assignments")
            assert answer.status_code in {201, 204}
            found: dict[str, Any] = answer.json() if answer.status_code == 201 else {}
            if found and found["case"]["case_id"] == case_id:
                return found
            if found:
                await act(client, found, "release", reason="not of this test")
            await asyncio.sleep(0.1)


async def event_of(service: Service, topic: str, key: str) -> bytes:
    """The first record of that key, read from the beginning of the topic."""
    consumer = AIOKafkaConsumer(
        topic, bootstrap_servers=service.engines.kafka_bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            async for record in consumer:
                if record.key == key.encode():
                    return bytes(record.value or b"")
    finally:
        await consumer.stop()
    raise AssertionError("unreachable: the consumer waits forever")


async def test_a_case_comes_in_is_decided_corrected_and_goes_out(
    service: Service, amara: httpx.AsyncClient
) -> None:
    case_id = named("through")
    await publish(service, case_id, case_id)
    assignment = await lease(amara, case_id)
    assert assignment["case"]["claim_id"] == f"claim-{case_id}"
    assert assignment["answer"]["label"] == "DENIED"
    assert (await act(amara, assignment, "heartbeat", opened=True)).status_code == 200

    submitted = await act(amara, assignment, "submit", **DENIAL, panels=["policy"])
    assert submitted.status_code == 200
    review_id = submitted.json()["review_id"]
    completed = await event_of(service, REVIEWS_COMPLETED.name, case_id)
    decision = await event_of(service, DECISIONS_MADE.name, case_id)
    change = {"label": "APPROVED", "reasoning": "records came", "why": "records came"}
    corrected = await amara.post(
        f"/v1/reviews/{review_id}/corrections", json={**change, "supersedes_revision": 0}
    )

    assert b'"reviewer":"amara"' in completed
    assert b'"decided_by":"human"' in decision
    assert (corrected.status_code, corrected.json()["revision"]) == (201, 1)
    assert b'"revision":1' in await event_of(service, DECISIONS_CORRECTED.name, case_id)
    assert (await act(amara, assignment, "undo")).status_code == 409
    assert (await amara.get("/v1/assignments")).json() == []
    shown = (await amara.get(f"/v1/reviews/{review_id}")).json()
    assert (shown["label"], shown["revision"]) == ("DENIED", 1)
    assert [seat["state"] for seat in shown["seats"]] == ["answered"]
    assert shown["seats"][0]["opinion"]["panels"] == ["policy"]


async def test_what_is_wrong_is_said_and_nothing_counts(
    service: Service, amara: httpx.AsyncClient
) -> None:
    await publish(service, named("wrong"))
    assignment = await lease(amara, named("wrong"))
    answers = {
        "label": await act(amara, assignment, "submit", label="PAID", reasoning="so"),
        "reasoning": await act(amara, assignment, "submit", label="DENIED"),
        "reasoning ": await act(amara, assignment, "submit", label="DENIED", reasoning=" \n "),
        "reasoning  ": await act(amara, assignment, "submit", label="DENIED", reasoning="a\x00b"),
        "reviewer": await act(
            amara, assignment, "submit", label="DENIED", reasoning="so", reviewer="bo"
        ),
        "reason": await act(amara, assignment, "release", reason=""),
        "task": await amara.post("/v1/assignments", json={"task": "astrology"}),
        "priority": await amara.post("/v1/assignments", json={"priority": 9}),
    }

    for field, answer in answers.items():
        assert (answer.status_code, answer.json()["field"]) == (422, field.strip()), field
    stale = {**assignment, "token": assignment["token"] + 1}
    assert (await act(amara, stale, "heartbeat")).status_code == 409
    async with await service.signed_in("bo") as bo:
        assert (await act(bo, assignment, "release", reason="not mine")).status_code == 404
    assert (await act(amara, assignment, "release", reason="done with it")).status_code == 204
    assert (await act(amara, assignment, "heartbeat")).status_code == 409
    assert (await amara.get("/v1/assignments")).json() == []


async def test_a_reviewer_sees_their_own_and_readers_see_all(
    service: Service, amara: httpx.AsyncClient
) -> None:
    review_id = review_id_of(named("wrong"))  # given back: nobody has decided it
    path = f"/v1/reviews/{review_id}"

    assert (await amara.get(path)).status_code == 403
    assert (await amara.get("/v1/seats")).status_code == 403
    async with service.by_token("read_reviews") as script:
        assert (await script.get(path)).status_code == 200
        page = (await script.get("/v1/seats?limit=200")).json()["seats"]
        ours = {seat["case_id"]: seat["state"] for seat in page if seat["case_id"].endswith(RUN)}
        assert ours == {named("through"): "answered", named("wrong"): "queued"}
        assert "input" not in page[0]
        assert (await script.get("/v1/reviews/nothing")).status_code == 404
        counts = (await script.get("/v1/queue")).json()["counts"]
        assert {count["state"] for count in counts} >= {"queued", "answered"}


async def test_bad_records_do_not_stop_the_queue(
    service: Service, amara: httpx.AsyncClient
) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=service.engines.kafka_bootstrap)
    await producer.start()
    await producer.send_and_wait(REVIEWS_REQUESTED.name, b"not JSON", key=RUN.encode())
    await producer.stop()
    other = case(named("wrong"), input=claim_input(billed_amount="7.00"))
    await publish(service, named("wrong"), case=other)
    await publish(service, named("after"))

    assert await lease(amara, named("after"))
    dead = f"{REVIEWS_REQUESTED.name}.review_queue.dlq"
    assert await event_of(service, dead, RUN) == b"not JSON"
    assert b"7.00" in await event_of(service, dead, named("wrong"))


async def test_a_person_signs_in_works_and_signs_out(service: Service) -> None:
    async with service.client(**{"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}) as page:
        wrong = await page.post("/sign-in", data={"name": "bo", "password": "not-the-password"})
        assert wrong.status_code == 401
        assert "Name or password is wrong" in wrong.text
        right = await page.post("/sign-in", data={"name": "bo", "password": PASSWORD})
        assert (right.status_code, right.headers["location"]) == (303, "/")
        cookie = right.headers["set-cookie"]
        for flag in ("HttpOnly", "SameSite=lax", "Path=/", "expires="):
            assert flag in cookie
        assert "Sign out" in (await page.get("/")).text
        await publish(service, named("on-the-page"))
        assignment = await lease(page, named("on-the-page"))
        html = (await page.get(f"/assignments/{assignment['assignment_id']}")).text
        assert f"claim-{named('on-the-page')}" in html
        assert (await page.get("/sign-in")).status_code == 303
        await until(lambda: _shows(page, "/queue", "In progress"))  # counts may be older
        out = await page.post("/sign-out")
        assert out.headers["location"] == "/sign-in"
        assert (await page.get("/")).headers["location"] == "/sign-in"


async def _shows(page: httpx.AsyncClient, path: str, words: str) -> bool:
    return words in (await page.get(path)).text


@pytest.mark.parametrize(
    ("back", "to"),
    [
        ("/my-work?days=7", "/my-work?days=7"),
        ("//elsewhere/", "/"),
        ("/\\elsewhere", "/"),
        ("https://elsewhere/", "/"),
        ("javascript:alert(1)", "/"),
    ],
)
async def test_signing_in_leads_to_the_page_that_was_asked_for_and_nowhere_else(
    service: Service, back: str, to: str
) -> None:
    async with service.client(**{"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}) as page:
        said = {"name": "bo", "password": PASSWORD, "back": back}
        answer = await page.post("/sign-in", data=said)

    assert (answer.status_code, answer.headers["location"]) == (303, to)


async def test_what_is_written_outlives_the_session(service: Service) -> None:
    async with service.client(**{"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}) as page:
        words = "The records that were missing came in today, page two supports the service."
        answer = await page.post("/my-work/some-review", data={"why": words})
        secret = await page.post(
            "/sign-in", data={"name": "bo", "password": "not-the-password-of-bo"}
        )

    assert answer.status_code == 401
    assert (words in answer.text, 'action="/my-work/some-review"' in answer.text) == (True, True)
    assert "not-the-password" not in secret.text


async def test_another_sites_page_cannot_use_the_cookie(service: Service) -> None:
    async with service.client() as page:
        await page.post("/v1/sessions", json={"name": "bo", "password": PASSWORD})
        for foreign in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://elsewhere"}):
            for path in ("/v1/assignments", "/sign-out", "/sign-in", "/v1/sessions"):
                form = path.startswith("/sign")
                body: dict[str, Any] = {"data": {"name": "bo"}} if form else {"json": {}}
                if path == "/v1/sessions":
                    body = {"json": {"name": "bo", "password": PASSWORD}}
                accept = {"Accept": "text/html"} if form else {}
                answer = await page.post(path, headers={**foreign, **accept}, **body)
                assert answer.status_code == 403, (path, foreign)
                assert "another site" in answer.text
        assert (await page.get("/v1/assignments")).status_code == 200  # still signed in


async def test_an_operator_disables_and_enables_a_user(service: Service) -> None:
    async with await service.signed_in("olga") as olga:
        new = await olga.post("/v1/users", json={"name": "Hugo", "role": "adjudicator"})
        assert (new.status_code, new.json()["name"]) == (201, "hugo")
        assert (await olga.post("/v1/users", json={"name": "hugo", "role": "lead"})).is_error
        taken = await olga.post("/v1/users", json={"name": "a-submit", "role": "lead"})
        assert taken.status_code == 409  # an API token has this name
        first = {"name": "hugo", "password": new.json()["one_time_password"]}
        async with service.client() as hugo:
            assert (await hugo.post("/v1/sessions", json=first)).status_code == 201
            disabled = await olga.patch("/v1/users/Hugo", json={"active": False})
            assert disabled.status_code == 204
            assert (await hugo.get("/v1/sessions/current")).status_code == 401
            assert (await hugo.post("/v1/sessions", json=first)).status_code == 401
            async with await service.signed_in("lee") as lee:
                assert "hugo" not in (await lee.get("/v1/reviewers")).text
            enabled = await olga.patch("/v1/users/hugo", json={"active": True})
            assert enabled.status_code == 204
            assert (await hugo.post("/v1/sessions", json=first)).status_code == 201
        assert (await olga.patch("/v1/users/nobody", json={"active": False})).status_code == 404
        assert (await olga.patch("/v1/users/olga", json={"active": False})).status_code == 409
        assert (await olga.patch("/v1/users/hugo", json={})).status_code == 422
        assert (await olga.patch("/v1/users/%00", json={"active": True})).status_code == 422
        assert (await olga.patch("/v1/users/olga", json={"active": True})).status_code == 204
        listed = (await olga.get("/v1/users")).json()
        assert {"name": "hugo", "role": "adjudicator", "active": True, "simulated": False,
                "one_time_password": True} in listed  # fmt: skip


async def test_guessing_is_locked_out(service: Service) -> None:
    async with service.client() as client:
        attempts = [
            await client.post("/v1/sessions", json={"name": "mallory", "password": f"guess-{n}"})
            for n in range(12)
        ]
        form = await client.post("/sign-in", data={"name": "mallory", "password": "guess"})

    assert [answer.status_code for answer in attempts] == [401] * 10 + [429] * 2
    assert form.status_code == 429
    assert "Too many failed attempts" in form.text
