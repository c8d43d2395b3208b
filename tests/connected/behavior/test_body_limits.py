"""400 MiB from a stranger cost no service its memory, whether they are declared or not."""

import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import psutil
import pytest

from deploy.cli.client import System
from deploy.embedded.stack import EmbeddedStack
from shared.services import SERVICES
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow

_FLOOD_BYTES = 400 * 2**20
_BLOCK = b"x" * 2**20
_GROWTH_BYTES = 50 * 2**20


def path_with_body(url: str) -> str:
    """Where the service takes a body, if it takes any."""
    paths = httpx.get(f"{url}/openapi.json", timeout=PATIENCE_SECONDS).json()["paths"]
    taking = (path for path, item in paths.items() if "requestBody" in item.get("post", {}))
    return next(taking, "/")


def flood(*, declared: bool) -> Iterator[bytes]:
    for _ in range(_FLOOD_BYTES // len(_BLOCK)):
        yield _BLOCK if declared else b"%x\r\n%b\r\n" % (len(_BLOCK), _BLOCK)


def send_flood(url: str, path: str, *, declared: bool) -> tuple[int, int]:
    """The status of the answer, and how many bytes could be sent until it hung up."""
    parts = urlsplit(url)
    size = f"Content-Length: {_FLOOD_BYTES}" if declared else "Transfer-Encoding: chunked"
    head = f"POST {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n{size}\r\n\r\n"
    sent = 0
    with socket.create_connection(
        (parts.hostname or "", parts.port or 0), timeout=PATIENCE_SECONDS
    ) as connection:
        connection.sendall(head.encode())
        try:
            for block in flood(declared=declared):
                connection.sendall(block)
                sent += len(block)
        except ConnectionError:
            pass  # it has hung up
        return int(connection.recv(4096).split()[1]), sent


@pytest.mark.parametrize("declared", [True, False], ids=["declared", "counted"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_strangers_flood_costs_no_memory(
    stack: EmbeddedStack, service: str, declared: bool
) -> None:
    url = System(stack.environment).url(service)
    path = path_with_body(url)  # to answer that, a service loads what it never needed before
    process = psutil.Process(stack.pid(service))
    before = process.memory_info().rss

    status, sent = send_flood(url, path, declared=declared)

    assert status == 413 if declared else status in (401, 404)
    assert process.memory_info().rss - before < _GROWTH_BYTES
    if status != 404:  # where nothing takes a body, none is read, and the rest is thrown away
        assert sent < _FLOOD_BYTES
