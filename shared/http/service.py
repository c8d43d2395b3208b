"""What every service is made of, and its application put together out of that.

An `app.py` reads: settings, parts, handlers, what they consume, the application. The order in
which the parts start and stop is the same everywhere, and stands here.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import uvicorn
from fastapi import APIRouter, FastAPI

from shared.health import Health
from shared.http.application import Step, create_application
from shared.messaging.acknowledging import Acknowledging
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox
from shared.messaging.readers.rollouts import Rollouts
from shared.messaging.relay import Relay
from shared.settings import ServiceSettings
from shared.storage.database import Database


@dataclass(frozen=True)
class CommonParts:
    """What every service has; the outbox and the rollouts are for those that need them."""

    name: str
    settings: ServiceSettings
    health: Health
    bus: Bus
    database: Database

    def make_outbox(self) -> Outbox:
        return Outbox(self.database, service=self.name)

    def make_rollouts(self) -> Rollouts:
        return Rollouts(self.settings.engines, service=self.name, health=self.health)


def make_parts(
    name: str, settings: ServiceSettings, *, migrations: Path, connections: int = 4
) -> CommonParts:
    """The parts of the service `name`, which is its schema and its consumer group too."""
    health = Health()
    return CommonParts(
        name,
        settings,
        health,
        Bus(settings.engines, service=name, health=health),
        Database(settings.engines, schema=name, migrations=migrations, connections=connections),
    )


def create_service(
    parts: CommonParts,
    *,
    outbox: Outbox | None = None,
    rollouts: Rollouts | None = None,
    obeyed: Callable[[], Mapping[str, int]] | None = None,
    start: Sequence[Step] = (),
    loops: Sequence[Step] = (),
    routers: Sequence[APIRouter] = (),
    state: Mapping[str, object] = MappingProxyType({}),
    body_limits: Mapping[str, int] = MappingProxyType({}),
) -> FastAPI:
    """The service's application. Its own `start` and `loops` come after those of the parts.

    `obeyed` returns the revision by task that this process answers under; a service that decides
    by the rollouts reports it, so that an order knows when it is carried out.
    """
    common_start: list[Step] = [parts.database.open]
    common_loops: list[Step] = []
    if outbox is not None:
        common_start.append(outbox.create)
        common_loops.append(Relay(outbox, parts.bus, parts.health).run)
    if rollouts is not None:
        common_start.append(rollouts.caught_up)
        common_loops.append(rollouts.run)
    if obeyed is not None:
        common_loops.append(Acknowledging(parts.bus, obeyed).run)
    return create_application(
        parts.name,
        parts.settings,
        bus=parts.bus,
        start=[*common_start, *start],
        loops=[*common_loops, *loops],
        stop=[parts.database.close],
        routers=routers,
        state=state,
        body_limits=body_limits,
    )


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Run the application until it is told to stop."""
    uvicorn.run(
        app,
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        loop="uvloop",
        timeout_graceful_shutdown=5,
    )
