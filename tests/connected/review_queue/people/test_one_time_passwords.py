"""A password that an operator makes opens nothing but the page to replace it, and a reviewer whose
password they reset decides nothing until somebody else has let them work again.
"""

from typing import Any

import httpx
import pytest

from tests.connected.review_queue.harness import PASSWORD, Queue
from tests.connected.review_queue.page_harness import text_of
from tests.connected.review_queue.service_harness import (
    APPROVAL,
    Clients,
    Service,
    act,
    asked,
    leased,
    queued,
)
from tests.support.routes import required

pytestmark = pytest.mark.usefixtures("empty_hands")

OWN = "four unrelated words here"


async def signed_in(service: Service, name: str, password: str) -> httpx.AsyncClient:
    async with service.client() as client:
        answer = await client.post("/v1/sessions", json={"name": name, "password": password})
    assert answer.status_code == 201, answer.text
    return service.client(Authorization=f"Bearer {answer.json()['token']}")


async def made(clients: Clients, name: str, role: str = "adjudicator") -> str:
    """A new user's one-time password."""
    answer = await clients["olga"].post("/v1/users", json={"name": name, "role": role})
    assert answer.status_code == 201, answer.text
    password: str = answer.json()["one_time_password"]
    return password


async def reset(clients: Clients, name: str) -> dict[str, Any]:
    answer = await clients["olga"].post(f"/v1/users/{name}/password-reset")
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_nothing_but_ones_own_account_works_with_it(
    service: Service, clients: Clients
) -> None:
    password = await made(clients, "nils")
    async with await signed_in(service, "nils", password) as nils:
        for (method, path), rights in required(service.app).items():
            if rights and rights[0].right != "own_account":
                assert (await nils.request(*asked(method, path))).status_code == 403
        current = (await nils.get("/v1/sessions/current")).json()
        assert (current["name"], current["one_time_password"]) == ("nils", True)

        change = {"current": password, "password": OWN}
        assert (await nils.post("/v1/password", json=change)).status_code == 204
        assert (await nils.get("/v1/queue")).status_code == 200
        assert (await nils.post("/v1/assignments")).status_code == 204

    async with service.client() as client:
        again = await client.post("/v1/sessions", json={"name": "nils", "password": password})
        assert again.status_code == 401


@pytest.mark.parametrize(
    ("current", "new", "field"),
    [
        ("", OWN, "current"),
        ("not-the-password", OWN, "current"),
        (PASSWORD, "short", "password"),
        (PASSWORD, "passwordpassword", "password"),
        (PASSWORD, "amara-amara-1", "password"),
        (PASSWORD, PASSWORD, "password"),
    ],
)
async def test_what_is_no_good_changes_nothing(
    service: Service, inside: Queue, current: str, new: str, field: str
) -> None:
    await inside.fetch("DELETE FROM review_queue.sign_in_failures")
    async with await service.signed_in("amara") as amara:
        answer = await amara.post("/v1/password", json={"current": current, "password": new})

        assert (answer.status_code, answer.json()["field"]) == (422, field)
        assert (await amara.get("/v1/queue")).status_code == 200
    await (await service.signed_in("amara")).aclose()


async def test_the_person_is_told_who_made_it_and_all_their_sessions_end(
    service: Service, clients: Clients
) -> None:
    first = await made(clients, "rosa")
    async with await signed_in(service, "rosa", first) as rosa, service.client() as page:
        await rosa.post("/v1/password", json={"current": first, "password": OWN})
        password = (await reset(clients, "rosa"))["one_time_password"]
        assert (await rosa.get("/v1/queue")).status_code == 401

        form = {"name": "rosa", "password": password}
        answer = await page.post("/sign-in", data=form, headers={"Accept": "text/html"})
        assert answer.headers["location"] == "/password"
        for path in ("/", "/queue", "/my-work"):
            turned = await page.get(path, headers={"Accept": "text/html"})
            assert turned.headers["location"] == "/password"
        shown = text_of((await page.get("/password")).text)
        assert "olga made the password that you have signed in with" in shown

        wrong = {"current": password, "password": OWN, "again": "another one of these"}
        assert (await page.post("/password", data=wrong)).status_code == 422
        right = {**wrong, "again": OWN}
        assert (await page.post("/password", data=right)).status_code == 303
        assert "olga" not in (await page.get("/password")).text
        assert (await page.get("/queue")).status_code == 200


async def test_an_operator_does_not_decide_as_somebody_else(
    service: Service, clients: Clients, inside: Queue
) -> None:
    first = await made(clients, "ines")
    async with await signed_in(service, "ines", first) as ines:
        await ines.post("/v1/password", json={"current": first, "password": OWN})
        await queued(inside)
        assignment = await leased(ines)
    answer = await reset(clients, "ines")

    assert answer["paused"]
    stolen = answer["one_time_password"]
    async with await signed_in(service, "ines", stolen) as olga_as_ines:
        change = {"current": stolen, "password": "what olga has chosen"}
        assert (await olga_as_ines.post("/v1/password", json=change)).status_code == 204
        refused = await act(olga_as_ines, assignment, "submit", **APPROVAL)
        assert refused.status_code == 409  # what was held went back
        more = await olga_as_ines.post("/v1/assignments")
        assert (more.status_code, more.json()["detail"]) == (
            409,
            "olga paused you: new password; the lead lets you work again",
        )
        assert (await clients["olga"].post("/v1/reviewers/ines/resume")).status_code == 403
        assert (await clients["lee"].post("/v1/reviewers/ines/resume")).status_code == 204
        assert (await olga_as_ines.post("/v1/assignments")).status_code == 201


async def test_a_lead_does_not_let_themselves_work(service: Service, clients: Clients) -> None:
    first = await made(clients, "lucas", "lead")
    async with await signed_in(service, "lucas", first) as lucas:
        await lucas.post("/v1/password", json={"current": first, "password": OWN})
    stolen = (await reset(clients, "lucas"))["one_time_password"]
    async with await signed_in(service, "lucas", stolen) as lucas:
        await lucas.post("/v1/password", json={"current": stolen, "password": "a new one of mine"})

        assert (await lucas.post("/v1/reviewers/lucas/resume")).status_code == 409
        assert (await clients["lee"].post("/v1/reviewers/lucas/resume")).status_code == 204


async def test_who_is_no_reviewer_is_not_paused(clients: Clients) -> None:
    await made(clients, "otto", "operator")

    assert (await reset(clients, "otto"))["paused"] is False
    assert (await clients["olga"].post("/v1/users/nobody/password-reset")).status_code == 404


async def test_whom_an_operator_has_made_a_senior_shows(clients: Clients) -> None:
    """To make one for oneself is in the audit trail, and before the lead's eyes."""
    await made(clients, "sven", "senior")

    shown = await clients["lee"].get("/reviewers/sven", headers={"Accept": "text/html"})
    trail = (await clients["ada"].get("/v1/audit", params={"action": "user_created"})).json()

    assert "Senior · added by olga" in text_of(shown.text)
    newest = trail["entries"][0]
    assert (newest["actor"], newest["details"]) == ("olga", {"user": "sven", "as_": "senior"})
