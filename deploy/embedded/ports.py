"""Which ports a stack listens on: one base port, and a fixed offset for each listener."""

import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain

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
_CLAIM = 29  # held by whoever is about to listen on the others
_LOWEST, _HIGHEST = 10_000, 32_000  # below the ports that systems give to outgoing connections


Draw = Callable[[int], int]  # of n: a number below n


@contextmanager
def claimed_base(wanted: int | None, *, draw: Draw = secrets.randbelow) -> Iterator[int]:
    """`wanted` if all its ports are free, else a random base whose ports are.

    Until the end of the block nobody else is given it: of two stacks that start at once, each has
    ports of its own before it listens on any.
    """
    drawn = (_LOWEST + _BLOCK * draw((_HIGHEST - _LOWEST) // _BLOCK) for _ in range(100))
    for base in chain(() if wanted is None else (wanted,), drawn):
        with socket.socket() as claim:
            if _is_bound(claim, base + _CLAIM) and _all_free(base):
                yield base
                return
    raise OSError(f"no block of {_BLOCK} free ports between {_LOWEST} and {_HIGHEST}")


def free_base(wanted: int | None, *, draw: Draw = secrets.randbelow) -> int:
    """Such a base, for somebody who is alone."""
    with claimed_base(wanted, draw=draw) as base:
        return base


def _all_free(base: int) -> bool:
    return all(_is_free(base + offset) for offset in OFFSETS.values())


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return _is_bound(probe, port)


def _is_bound(to_bind: socket.socket, port: int) -> bool:
    try:
        to_bind.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True
