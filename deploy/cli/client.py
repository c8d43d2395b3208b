"""How the command line reaches a running system: addresses and a token from the environment.

`caseloop` reads the environment, then the file `env` of the embedded system's home.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import typer

from deploy.embedded.layout import Layout, default_home
from deploy.embedded.settings import read_env
from shared.services import PORTS
from shared.settings import engine_settings


def environment() -> dict[str, str]:
    """The settings in force: the process's environment over the embedded system's file."""
    return {**read_env(Layout(default_home())), **os.environ}


@dataclass(frozen=True)
class System:
    """A running Caseloop, seen by somebody with a token."""

    settings: Mapping[str, str]

    def url(self, service: str) -> str:
        """The service's address: `<SERVICE>_URL`, else this machine and `<SERVICE>_PORT`."""
        name = service.upper()
        port = self.settings.get(f"{name}_PORT", str(PORTS[service]))
        return self.settings.get(f"{name}_URL", f"http://127.0.0.1:{port}")

    def token(self, *roles: str) -> str:
        """`API_TOKEN`, else the first of `API_TOKENS` with one of these roles."""
        if own := self.settings.get("API_TOKEN"):
            return own
        for entry in self.settings.get("API_TOKENS", "").split(","):
            _, _, rest = entry.partition(":")
            role, _, token = rest.partition(":")
            if role in roles:
                return token
        raise typer.BadParameter("no token: set API_TOKEN, or start the system with `make up`")

    def get(self, service: str, path: str, **query: Any) -> Any:
        return self.call(service, "GET", path, params=query)

    def post(
        self, service: str, path: str, content: Mapping[str, Any], *, timeout: float = 30
    ) -> Any:
        return self.call(service, "POST", path, json=content, timeout=timeout)

    def download(self, service: str, path: str) -> bytes:
        return self._answer(service, "GET", path).content

    def patch(self, service: str, path: str, content: Mapping[str, Any]) -> Any:
        return self.call(service, "PATCH", path, json=content)

    @property
    def kafka(self) -> list[str]:
        return engine_settings(self.settings).kafka_bootstrap.split(",")

    def call(self, service: str, method: str, path: str, **arguments: Any) -> Any:
        """The JSON that the service answers with, if it answers with anything."""
        response = self._answer(service, method, path, **arguments)
        if not response.content:
            return None
        try:
            return response.json()
        except ValueError as error:
            raise Unreachable(f"what answers at {self.url(service)} is no {service}") from error

    def _answer(
        self,
        service: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
        **arguments: Any,
    ) -> httpx.Response:
        try:
            response = httpx.request(
                method,
                f"{self.url(service)}{path}",
                headers={"Authorization": f"Bearer {self.token('operator')}", **(headers or {})},
                timeout=timeout,
                **arguments,
            )
        except httpx.TransportError as error:
            raise Unreachable(
                f"{service} does not answer at {self.url(service)}; is it up? (make status)"
            ) from error
        if response.is_error:
            raise Refused(response)
        return response


def system() -> System:
    """The one that the environment names."""
    return System(environment())


class Unreachable(Exception):
    """The service cannot be reached."""


class Refused(Exception):
    """The service said no, and why."""

    def __init__(self, response: httpx.Response) -> None:
        try:
            content = response.json()
            detail = content["detail"]
            if content.get("field"):
                detail = f"{content['field']}: {detail}"
        except (ValueError, LookupError, TypeError):  # from something before the service
            detail = response.text[:200]
        super().__init__(f"{response.status_code}: {detail}")
        self.status_code = response.status_code


class NotApplied(Exception):
    """The order is recorded and sent, and not everybody obeys it yet."""
