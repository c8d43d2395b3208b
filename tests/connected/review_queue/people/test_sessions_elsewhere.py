"""Who has signed in at the review queue is known to every service, for as long as they are."""

import httpx
import pytest
from fastapi import Depends, FastAPI

from shared.auth.dependencies import RequiresPerson
from shared.auth.principal import Person
from shared.auth.sessions import Sessions, recognize_callers
from shared.errors import Transient
from shared.http.errors import translate_errors
from shared.settings import ServiceSettings
from tests.connected.review_queue.service_harness import Service
from tests.support.callers import TOKENS, as_machine

SETTINGS = ServiceSettings.model_validate({"port": 1, "API_TOKENS": TOKENS})


class Clock:
    """A clock that stands until a test moves it."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def elsewhere(service: Service, clock: Clock) -> FastAPI:
    """Another service, which asks the review queue over HTTP."""
    app = FastAPI()
    app.state.identify = recognize_callers(
        SETTINGS,
        Sessions("http://queue", transport=httpx.ASGITransport(service.app), clock=clock),
    )
    translate_errors(app)

    @app.post("/promote")
    async def promote(
        caller: Person = Depends(RequiresPerson("advance_rollouts")),
    ) -> str:
        return caller.signature

    return app


async def promote(app: FastAPI, headers: dict[str, str]) -> tuple[int, object]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://a", headers=headers) as who:
        answer = await who.post("/promote")
    return answer.status_code, answer.json()


async def test_a_person_acts_under_their_own_name(service: Service, elsewhere: FastAPI) -> None:
    async with await service.signed_in("olga") as olga, await service.signed_in("bo") as bo:
        assert await promote(elsewhere, dict(olga.headers)) == (200, "olga")
        assert (await promote(elsewhere, dict(bo.headers)))[0] == 403
    assert (await promote(elsewhere, as_machine("operate")))[0] == 403
    assert (await promote(elsewhere, {"Authorization": "Bearer session-of-nobody"}))[0] == 401


async def test_who_signs_out_is_out_within_seconds(
    service: Service, elsewhere: FastAPI, clock: Clock
) -> None:
    async with await service.signed_in("olga") as olga:
        assert (await promote(elsewhere, dict(olga.headers)))[0] == 200
        await olga.delete("/v1/sessions")
        assert (await promote(elsewhere, dict(olga.headers)))[0] == 200
        clock.now += 2.0
        assert (await promote(elsewhere, dict(olga.headers)))[0] == 401


async def test_where_nobody_can_be_asked_the_answer_is_503(
    elsewhere: FastAPI, clock: Clock
) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    def break_down(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(500)

    for broken in (fail, break_down):
        sessions = Sessions("http://queue", transport=httpx.MockTransport(broken), clock=clock)
        elsewhere.state.identify = recognize_callers(SETTINGS, sessions)
        status, answer = await promote(elsewhere, {"Authorization": "Bearer session-x"})

        assert status == 503
        assert "cannot ask the review queue at http://queue who has signed in" in str(answer)
        with pytest.raises(Transient):
            await sessions.person("session-x", address="here")
