"""Which ports a stack listens on: one base port, and a fixed offset for each listener."""

import secrets
import socket
from collections.abc import Callable

from shared.services import PORTS

DEFAULT_BASE = 8100
OFFSETS = {
    **{service: port - DEFAULT_BASE for service, port in PORTS.items()},
    "broker": 10,
    "s3": 11,
    "postgres": 12,
    # What SeaweedFS is made of inside; only itself connects to these.
    "s3_grpc": 20,
    "master": 21,
    "master_grpc": 22,
    "volume": 23,
    "volume_grpc": 24,
    "filer": 25,
    "filer_grpc": 26,
}

_BLOCK = 30
_LOWEST, _HIGHEST = 10_000, 32_000  # below the ports that systems give to outgoing connections


def free_base(wanted: int | None, *, draw: Callable[[int], int] = secrets.randbelow) -> int:
    """`wanted` if all its ports are free, else a random base whose ports are.

    `draw(n)` gives a number below n. Random, so that stacks started at once do not meet.
    """
    if wanted is not None and _all_free(wanted):
        return wanted
    for _ in range(100):
        base = _LOWEST + _BLOCK * draw((_HIGHEST - _LOWEST) // _BLOCK)
        if _all_free(base):
            return base
    raise OSError(f"no block of {_BLOCK} free ports between {_LOWEST} and {_HIGHEST}")


def _all_free(base: int) -> bool:
    return all(_is_free(base + offset) for offset in OFFSETS.values())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
