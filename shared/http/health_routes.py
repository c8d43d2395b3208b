"""What every service reports about itself to anybody: no member data is in it."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from shared.http.state import FromState
from shared.messaging.asyncapi import document
from shared.messaging.bus import Bus

BusDep = Annotated[Bus, Depends(FromState("bus"))]

router = APIRouter(tags=["health"])


@router.get("/health/live")
async def live(bus: BusDep) -> dict[str, str]:
    return {"status": "alive", "service": bus.service}


@router.get("/health/ready")
async def ready(bus: BusDep) -> JSONResponse:
    health = bus.health
    content = {
        "status": "ready" if health.is_ready else "waiting",
        "service": bus.service,
        "reason": "; ".join(f"{part}: {why}" for part, why in sorted(health.reasons.items())),
        "alerts": health.alerts,
    }
    return JSONResponse(content, status_code=200 if health.is_ready else 503)


@router.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@router.get("/asyncapi.json")
async def asyncapi(bus: BusDep) -> JSONResponse:
    return JSONResponse(document(bus.service))
