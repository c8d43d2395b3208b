"""Every service's application: it starts its parts in order and keeps its loops running."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from types import MappingProxyType

from fastapi import APIRouter, FastAPI

from shared.auth.sessions import recognize_callers
from shared.errors import Transient
from shared.health import Health
from shared.http import health_routes
from shared.http.body_limits import BodyLimits
from shared.http.errors import translate_errors
from shared.messaging.bus import Bus
from shared.settings import ServiceSettings
from shared.telemetry import configure_logging, logger

Step = Callable[[], Awaitable[None]]

_RETRY_SECONDS = 1.0
_LONGEST_RETRY_SECONDS = 15.0
_WORKS_SECONDS = 5.0  # a loop that has run for so long works


def create_application(
    name: str,
    settings: ServiceSettings,
    *,
    bus: Bus,
    start: Sequence[Step] = (),
    loops: Sequence[Step] = (),
    stop: Sequence[Step] = (),
    routers: Sequence[APIRouter] = (),
    state: Mapping[str, object] = MappingProxyType({}),
    body_limits: Mapping[str, int] = MappingProxyType({}),
) -> FastAPI:
    """The application. `loops` run beside everything; `start` runs in order before the bus
    takes work, `stop` after it has stopped. The routers' handlers find their parts in `state`.
    `body_limits` are in bytes, of the paths that take other bodies than the settings' limit."""
    configure_logging(service=name, level=settings.log_level, style=settings.log_format)
    app = FastAPI(
        title=f"Caseloop {name}",
        version="1",
        lifespan=_lifespan(bus, start=start, loops=loops, stop=stop),
        docs_url=None,
        redoc_url=None,
    )
    app.state.bus = bus
    app.state.identify = recognize_callers(settings)
    for part, value in state.items():
        setattr(app.state, part, value)
    for router in (health_routes.router, *routers):
        app.include_router(router)
    translate_errors(app)
    app.add_middleware(BodyLimits, limit=settings.body_limit_bytes, routes=body_limits)
    return app


def _lifespan(
    bus: Bus, *, start: Sequence[Step], loops: Sequence[Step], stop: Sequence[Step]
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            for step in reversed(stop):
                stack.push_async_callback(step)
            watched = [*loops, bus.watchdog.run]
            tasks = [asyncio.create_task(_keep(loop, bus.health)) for loop in watched]
            stack.push_async_callback(_cancel, tasks)
            for step in start:
                await step()
            await bus.start()
            stack.push_async_callback(bus.stop)
            logger.info("started")
            yield

    return lifespan


async def _keep(loop: Step, health: Health) -> None:
    """Run a loop forever: one that fails is reported in the health and starts again, later each
    time. The report stays until the loop has run for a while."""
    part = getattr(loop, "__qualname__", "loop")
    wait = _RETRY_SECONDS
    while True:
        begun = time.monotonic()
        works = asyncio.get_running_loop().call_later(_WORKS_SECONDS, health.ready, part)
        try:
            await loop()
            health.ready(part)
            return
        except asyncio.CancelledError:
            if _is_told_to_end():
                raise
            # A library's own: aiokafka's tasks hand theirs on when a broker goes.
            logger.error("loop cancelled from within", loop=part)
            health.waiting(part, "failed: CancelledError")
        except Transient as error:
            health.waiting(part, str(error))
        except Exception as error:  # noqa: BLE001 - reported, and tried again
            logger.error("loop failed", loop=part, exc_info=error)
            health.waiting(part, f"failed: {type(error).__name__}")
        finally:
            works.cancel()
        if time.monotonic() - begun > _WORKS_SECONDS:
            wait = _RETRY_SECONDS
        await asyncio.sleep(wait)
        wait = min(2 * wait, _LONGEST_RETRY_SECONDS)


def _is_told_to_end() -> bool:
    task = asyncio.current_task()
    return task is None or task.cancelling() > 0


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task
