"""What is too large is refused while it arrives, and a stranger's body is hardly read."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request

from services.dataset_accumulator.app import create_app as create_accumulator
from services.dataset_accumulator.settings import Settings as AccumulatorSettings
from services.inference.app import create_app as create_inference
from services.inference.settings import Settings as InferenceSettings
from shared.errors import Transient
from shared.http.body_limits import STRANGER_LIMIT_BYTES, BodyLimits
from shared.http.errors import translate_errors

TOKEN = "a token of the tests"
BLOCK = 4096
KNOWN = {"Authorization": f"Bearer {TOKEN}"}
TOKENS = f"tests:submit+import:{TOKEN}"
LIMIT = 64 * 1024


@dataclass
class Flood:
    """A body that tells how much of it was taken."""

    size: int
    taken: int = 0
    headers: dict[str, str] = field(default_factory=dict)

    async def blocks(self) -> AsyncIterator[bytes]:
        while self.taken < self.size:
            self.taken += BLOCK
            yield b"x" * BLOCK


async def post(app: FastAPI, path: str, flood: Flood) -> httpx.Response:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        return await client.post(path, content=flood.blocks(), headers=flood.headers)


def declared(size: int) -> dict[str, str]:
    return {"Content-Length": str(size)}


def inference() -> FastAPI:
    return create_inference(InferenceSettings(API_TOKENS=TOKENS, body_limit_bytes=LIMIT))


def accumulator() -> FastAPI:
    return create_accumulator(AccumulatorSettings(API_TOKENS=TOKENS, import_limit_bytes=LIMIT))


async def test_what_is_declared_too_large_is_not_read() -> None:
    flood = Flood(400 * 2**20, headers=declared(400 * 2**20))

    answer = await post(inference(), "/v1/predictions", flood)

    assert (answer.status_code, flood.taken) == (413, 0)
    assert answer.json() == {"detail": f"the body is larger than {LIMIT} bytes", "field": None}
    assert answer.headers["connection"] == "close"


async def test_what_says_nothing_of_its_size_is_counted() -> None:
    flood = Flood(400 * 2**20, headers=KNOWN)

    answer = await post(inference(), "/v1/predictions", flood)

    assert answer.status_code == 413
    assert flood.taken <= LIMIT + BLOCK


@pytest.mark.parametrize("headers", [{}, declared(LIMIT)], ids=["counted", "declared"])
async def test_a_stranger_is_refused_before_much_is_read(headers: dict[str, str]) -> None:
    flood = Flood(LIMIT, headers=headers)

    answer = await post(inference(), "/v1/predictions", flood)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert flood.taken <= (0 if headers else STRANGER_LIMIT_BYTES + BLOCK)


@pytest.mark.parametrize("headers", [{}, declared(LIMIT)], ids=["counted", "declared"])
@pytest.mark.parametrize("kind", ["text/csv", "multipart/form-data; boundary=x"])
async def test_a_strangers_upload_is_not_read(headers: dict[str, str], kind: str) -> None:
    flood = Flood(LIMIT, headers={**headers, "Content-Type": kind})

    answer = await post(accumulator(), "/v1/imports?task=adjudication", flood)

    assert (answer.status_code, flood.taken) == (401, 0)


async def test_an_upload_has_its_own_limit() -> None:
    flood = Flood(400 * 2**20, headers={**KNOWN, **declared(400 * 2**20)})

    answer = await post(accumulator(), "/v1/imports?task=adjudication", flood)

    assert (answer.status_code, flood.taken) == (413, 0)
    assert answer.json()["detail"] == f"the body is larger than {LIMIT} bytes"


@pytest.mark.parametrize("size", [100, LIMIT])
async def test_what_is_within_the_limit_arrives_whole(size: int) -> None:
    app = echo()
    body = b"x" * size

    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
        answer = await client.post("/", content=body)

    assert (answer.status_code, answer.json()) == (200, size)


async def test_who_cannot_be_recognized_now_is_told_to_wait() -> None:
    async def identify(_: Request) -> Any:
        raise Transient("PostgreSQL is unavailable")

    app = echo()
    app.state.identify = identify
    flood = Flood(LIMIT)

    answer = await post(app, "/", flood)

    assert (answer.status_code, json.loads(answer.text)["detail"]) == (
        503,
        "PostgreSQL is unavailable",
    )
    assert flood.taken <= STRANGER_LIMIT_BYTES + BLOCK


def echo() -> FastAPI:
    """Says how large the body was; everybody is known."""

    async def identify(_: Request) -> str:
        return "somebody"

    app = FastAPI()
    app.state.identify = identify
    translate_errors(app)
    app.add_middleware(BodyLimits, limit=LIMIT, routes={})

    @app.post("/")
    async def measure(request: Request) -> int:
        return len(await request.body())

    return app
