"""Whatever is logged, as talkatively as it goes: no password, no token and no member data."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx

from shared.messaging.topics import create_topics
from tests.connected.review_queue.harness import PASSWORD, running
from tests.connected.review_queue.service_harness import DENIAL, act
from tests.support.builders.events import case, claim_input
from tests.support.patience import PATIENCE_SECONDS

WRONG = "a-wrong-password-of-amara"
TOKEN = "the-token-of-a-script"
MEMBER, NOTE = "M-0815-4711", "the patient of room nine"


async def test_nothing_secret_is_logged(
    engines: dict[str, str], database: str, tmp_path: Path
) -> None:
    await asyncio.to_thread(create_topics, engines["KAFKA_BOOTSTRAP"])
    content = claim_input(member_id=MEMBER, clinical_note=NOTE)
    async with running(database) as queue:
        asked = case("case-1", input=content, group_id=f"member:{MEMBER}")
        await queue.request("case-1", case=asked)
        # What PostgreSQL says of it quotes the whole row.
        await queue.fetch("ALTER TABLE review_queue.reviews ADD CHECK (completed_at IS NULL)")
    log = tmp_path / "log"
    with served({**engines, "DATABASE_URL": database}, log) as url:
        secrets = await worked(url)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "loop failed" not in log.read_text():
                await asyncio.sleep(0.1)

    told = log.read_text()
    assert "CheckViolationError" in told
    for secret in (*secrets, PASSWORD, WRONG, TOKEN, MEMBER, NOTE, DENIAL["reasoning"]):
        assert secret not in told


@contextmanager
def served(engines: Mapping[str, str], log: Path) -> Iterator[str]:
    """A process of the service, with all that it says in a file."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    own = {
        "REVIEW_QUEUE_PORT": str(port),
        "REVIEW_QUEUE_BOOTSTRAP_USERS": f"amara:adjudicator:{PASSWORD}",
        "REVIEW_QUEUE_UNDO_SECONDS": "0",
        "API_TOKENS": f"script:read_reviews:{TOKEN}",
        "LOG_LEVEL": "DEBUG",
    }
    with log.open("w") as written:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.review_queue"],
            env={**os.environ, **engines, **own},
            stdout=written,
            stderr=written,
        )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=PATIENCE_SECONDS)


async def worked(url: str) -> list[str]:
    """Sign in, decide a case, fail at this and that; the secrets that were given out."""
    async with httpx.AsyncClient(base_url=url, timeout=PATIENCE_SECONDS) as client:
        await listening(client)
        credentials = {"name": "amara", "password": WRONG}
        assert (await client.post("/v1/sessions", json=credentials)).status_code == 401
        assert (await client.post("/sign-in", data=credentials)).status_code == 401
        session = await client.post("/v1/sessions", json={**credentials, "password": PASSWORD})
        token: str = session.json()["token"]
        script = {"Authorization": f"Bearer {TOKEN}"}
        assert (await client.get("/v1/seats", headers=script)).status_code == 200
        assert (await client.post("/v1/search", json={"text": MEMBER})).status_code == 200
        held = (await client.post("/v1/assignments")).json()
        assert held["case"]["input"]["member_id"] == MEMBER
        assert (await act(client, held, "submit", label=NOTE, reasoning=NOTE)).status_code == 422
        assert (await act(client, held, "submit", **DENIAL)).status_code == 200
        assert (await client.post("/sign-out")).status_code == 303
    return [token, token.removeprefix("session-")]


async def listening(client: httpx.AsyncClient) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                await client.get("/health/live")
            except httpx.TransportError:
                await asyncio.sleep(0.1)
            else:
                return
