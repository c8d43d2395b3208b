"""How a route's handler comes by the parts of its service: each by its name in the state."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request


@dataclass(frozen=True)
class FromState:
    """A dependency: the part of the service that its application keeps under this name."""

    name: str

    async def __call__(self, request: Request) -> Any:
        return getattr(request.app.state, self.name)
