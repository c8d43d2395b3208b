"""What goes on beside the scenario: it ends with it, and a failure of it ends the demonstration."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from deploy.cli.client import Refused, System
from deploy.demo.background import run_in_background
from deploy.demo.display import Display, follow_labels
from deploy.demo.loop_state import LoopState
from deploy.terminal import Terminal
from tests.support.patience import PATIENCE_SECONDS

ANSWERS = {
    "/v1/labels/progress": {"adjudication": {"train_unreleased": 3, "threshold": 190}},
    "/v1/labels/count?task=adjudication": {"imported": 5, "reviewed": 4},
}


class Away(Exception):
    """Something that a piece of work beside the scenario needs is not there."""


async def test_the_first_failure_ends_the_block_and_is_what_it_raises() -> None:
    async def fail() -> None:
        raise Away

    async with asyncio.timeout(PATIENCE_SECONDS):
        with pytest.raises(Away):
            async with run_in_background(fail()):
                await asyncio.Event().wait()


async def test_what_the_block_raises_is_raised_and_the_work_ends() -> None:
    ended = asyncio.Event()

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def block() -> None:
        async with run_in_background(work()):
            await asyncio.sleep(0)
            raise Away

    with pytest.raises(Away):
        await block()
    assert ended.is_set()


@contextmanager
def accumulator(statuses: Sequence[int]) -> Iterator[System]:
    """A service that answers with one status after the other."""
    left = iter(statuses)

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(next(left))
            self.end_headers()
            self.wfile.write(json.dumps(ANSWERS[self.path]).encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield System({"DATASET_ACCUMULATOR_URL": url, "API_TOKEN": "a token of a test"})
    finally:
        server.shutdown()
        server.server_close()


async def test_an_accumulator_that_is_away_is_asked_again_and_a_refusal_is_raised() -> None:
    display = Display(LoopState("adjudication", own=set()), Terminal(quiet=True))
    with accumulator([503, 503, 200, 200, 401]) as system:
        async with asyncio.timeout(PATIENCE_SECONDS):
            with pytest.raises(Refused, match="401"):
                async with run_in_background(follow_labels(system, display)):
                    await asyncio.Event().wait()

    assert display.label_progress == (3, 190)
    assert display.expert_labels == 4
