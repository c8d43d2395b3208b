"""Waiting until others listen.

So a process that is restarted while an engine is unavailable waits cheaply instead of failing in a
loop.
"""

import socket
import time
from collections.abc import Sequence


def wait_for(addresses: Sequence[str], *, pause_seconds: float = 0.2) -> None:
    """Return when all addresses (host:port) accept connections; there is no limit."""
    for address in addresses:
        if listens(address):
            continue
        print(f"waiting for {address}", flush=True)
        while not listens(address):
            time.sleep(pause_seconds)


def listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    return True
