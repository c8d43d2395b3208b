"""`caseloop status` shows what there is, whichever service cannot answer."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import httpx
import pytest
from rich.table import Table
from rich.text import Text

from deploy.cli.client import Refused, System
from deploy.cli.views import status
from shared.services import PORTS

RUNS = b"[]"
AWAY = b'{"detail": "PostgreSQL does not answer"}'


class Service(BaseHTTPRequestHandler):
    """Answers for the trainer; says for the others that its database is away."""

    def do_GET(self) -> None:
        runs = self.path == "/v1/runs"
        self.send_response(200 if runs else 503)
        self.end_headers()
        self.wfile.write(RUNS if runs else AWAY)

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def system() -> Iterator[System]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    urls = {f"{service.upper()}_URL": url for service in PORTS}
    yield System({**urls, "API_TOKEN": "a token of a test"})
    server.shutdown()
    server.server_close()


def test_status_goes_on_past_a_service_that_refuses(system: System) -> None:
    health, *parts = status(system)

    assert isinstance(health, Table)
    refused = [str(part) for part in parts if isinstance(part, Text)]
    assert refused == [
        "Rollouts: 503: PostgreSQL does not answer",
        "Labels: 503: PostgreSQL does not answer",
    ]
    assert [part.title for part in parts if isinstance(part, Table)] == ["Training"]


@pytest.mark.parametrize("content", ["[1]", '"no"', "{}", "<html>"])
def test_a_refusal_by_something_before_the_service_is_shown_as_it_is(content: str) -> None:
    assert str(Refused(httpx.Response(502, text=content))) == f"502: {content}"
