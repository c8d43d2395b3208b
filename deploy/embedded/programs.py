"""The processes of a stack and how supervisor stops each; all are restarted forever."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from shared.services import SERVICES

ENGINES = ("postgres", "s3", "broker")

# PostgreSQL's TERM would wait for its clients; `engines/s3.py` says why KILL; the broker's
# records are in S3 when it confirms them.
_STOP_SIGNALS = {"postgres": "INT", "s3": "KILL", "broker": "KILL"}


@dataclass(frozen=True)
class Program:
    """One process. The engines' group starts with supervisor and stops after the services."""

    name: str
    group: Literal["engines", "services"]
    command: Sequence[str]
    stop_signal: str = "TERM"


def engine_programs() -> list[Program]:
    return [
        Program(
            name=name,
            group="engines",
            command=(sys.executable, "-m", f"deploy.embedded.engines.{name}"),
            stop_signal=_STOP_SIGNALS[name],
        )
        for name in ENGINES
    ]


def service_programs() -> list[Program]:
    return [
        Program(
            name=name,
            group="services",
            command=(sys.executable, "-m", "deploy.embedded.service", name),
        )
        for name in SERVICES
    ]


def owner_watch_program(owner: int) -> Program:
    """Ends the stack when the process `owner` has ended."""
    command = (sys.executable, "-m", "deploy.embedded.owner_watch", str(owner))
    return Program(name="owner_watch", group="engines", command=command)
