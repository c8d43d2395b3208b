"""Waiting for an address."""

import socket
import time
from threading import Timer

from deploy.embedded.ports import free_base
from deploy.embedded.wait import wait_for


def test_returns_when_somebody_listens() -> None:
    port = free_base(None)
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("127.0.0.1", port))
    opening = Timer(0.3, listener.listen)
    started = time.monotonic()
    opening.start()

    wait_for([f"127.0.0.1:{port}"], pause_seconds=0.02)

    assert time.monotonic() - started > 0.25
    opening.join()
    listener.close()
