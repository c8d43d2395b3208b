"""A service's health: 200 is healthy, 503 gives its reason, silence gives the address."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from deploy.embedded.health import ProcessHealth, probe
from deploy.embedded.layout import Layout
from deploy.embedded.ports import OFFSETS, free_base
from deploy.embedded.settings import Settings

READY = {"status": "ready", "reason": ""}
WAITING = {"status": "waiting", "reason": "kafka: no broker answers"}


def ask(base: int, home: Path) -> ProcessHealth:
    layout = Layout(home)
    return probe("trainer", Settings.make(layout, base_port=base, overrides={}, ambient={}))


@contextmanager
def answering(base: int, status: int, body: bytes) -> Iterator[None]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/health/ready" else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            """Not on the test's stderr."""

    server = HTTPServer(("127.0.0.1", base + OFFSETS["trainer"]), Handler)
    thread = Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, json.dumps(READY).encode(), ProcessHealth(True)),
        (503, json.dumps(WAITING).encode(), ProcessHealth(False, "kafka: no broker answers")),
        (500, b"Internal Server Error", ProcessHealth(False, "Internal Server Error")),
    ],
)
def test_answer_becomes_health(
    status: int, body: bytes, expected: ProcessHealth, tmp_path: Path
) -> None:
    base = free_base(None)
    with answering(base, status, body):
        assert ask(base, tmp_path) == expected


def test_silence_names_the_address(tmp_path: Path) -> None:
    base = free_base(None)
    health = ask(base, tmp_path)
    assert not health.healthy
    assert f"127.0.0.1:{base + OFFSETS['trainer']}" in health.reason
