"""Every service's application: it starts its parts in order, keeps its loops running, and tells
its health."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import (
    AbstractAsyncContextManager,
    AsyncExitStack,
    asynccontextmanager,
    suppress,
)
from types import MappingProxyType

from fastapi import APIRouter, FastAPI
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.auth.tokens import Tokens
from shared.errors import Transient
from shared.health import Health
from shared.http.errors import translate_errors
from shared.messaging.asyncapi import document
from shared.messaging.bus import Bus
from shared.settings import ServiceSettings
from shared.telemetry import configure_logging, logger

Step = Callable[[], Awaitable[None]]


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
) -> FastAPI:
    """The application. `loops` run beside everything; `start` runs in order before the bus
    takes work, `stop` after it has stopped. The routers' handlers find their parts in `state`."""
    configure_logging(service=name, level=settings.log_level, style=settings.log_format)
    app = FastAPI(
        title=f"Caseloop {name}",
        version="1",
        lifespan=_lifespan(bus, start=start, loops=loops, stop=stop),
        docs_url=None,
        redoc_url=None,
    )
    app.state.bus = bus
    app.state.identify = Tokens.parse(settings).identify
    for part, value in state.items():
        setattr(app.state, part, value)
    for router in (_health_routes(name, bus.health), *routers):
        app.include_router(router)
    translate_errors(app)
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
    """Run a loop for ever: one that ends with an error says so in the health and starts again."""
    part = getattr(loop, "__qualname__", "loop")
    while True:
        try:
            await loop()
            return
        except Transient as error:
            health.waiting(part, str(error))
        except Exception as error:  # noqa: BLE001 - reported, and tried again
            logger.error("loop failed", loop=part, exc_info=error)
            health.waiting(part, f"failed: {type(error).__name__}")
        await asyncio.sleep(1)
        health.ready(part)


async def _cancel(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    for task in tasks:
        with suppress(asyncio.CancelledError):
            await task


def _health_routes(name: str, health: Health) -> APIRouter:
    router = APIRouter()

    @router.get("/health/live", tags=["health"])
    async def live() -> dict[str, str]:
        return {"status": "alive", "service": name}

    @router.get("/health/ready", tags=["health"])
    async def ready() -> JSONResponse:
        reason = "; ".join(f"{part}: {why}" for part, why in sorted(health.reasons.items()))
        content = {
            "status": "ready" if health.is_ready else "waiting",
            "service": name,
            "reason": reason,
            "alerts": health.alerts,
        }
        return JSONResponse(content, status_code=200 if health.is_ready else 503)

    @router.get("/metrics", tags=["health"])
    async def metrics() -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    @router.get("/asyncapi.json", tags=["health"])
    async def asyncapi() -> JSONResponse:
        return JSONResponse(document(name))

    return router
