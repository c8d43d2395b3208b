"""How the command line reaches a running system: addresses and tokens from the environment.

`caseloop` reads the environment, then the file `env` of the embedded system's home, and calls as
whoever has signed in (`caseloop sign-in`), else as a machine, with the token for what it does.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import typer

from deploy.embedded.layout import Layout, default_home
from deploy.embedded.settings import read_env
from shared.auth.permissions import Scope
from shared.auth.tokens import parse_tokens
from shared.services import PORTS
from shared.settings import engine_settings

SESSION = "CASELOOP_SESSION"


def environment() -> dict[str, str]:
    """The settings in force: the process's environment over the embedded system's file, and over
    the session of whoever has signed in here."""
    layout = Layout(default_home())
    session = layout.session_file.read_text() if layout.session_file.exists() else ""
    return {SESSION: session, **read_env(layout), **os.environ}


@dataclass(frozen=True)
class System:
    """A running Caseloop, seen by somebody with a token."""

    settings: Mapping[str, str]

    def url(self, service: str) -> str:
        """The service's address: `<SERVICE>_URL`, else this machine and `<SERVICE>_PORT`."""
        name = service.upper()
        port = self.settings.get(f"{name}_PORT", str(PORTS[service]))
        return self.settings.get(f"{name}_URL", f"http://127.0.0.1:{port}")

    def token(self, scope: Scope) -> str:
        """`API_TOKEN`, else the session of who has signed in, else a token with the scope."""
        if own := self.settings.get("API_TOKEN") or self.settings.get(SESSION):
            return own
        for known in parse_tokens(self.settings.get("API_TOKENS", "")):
            if scope in known.scopes:
                return known.token
        raise typer.BadParameter(
            f"no token to {scope}: `caseloop sign-in`, set API_TOKEN, or start the system with "
            "`make up`"
        )

    def get(self, service: str, path: str, **query: Any) -> Any:
        return self.call(service, "GET", path, scope="observe", params=query)

    def post(
        self,
        service: str,
        path: str,
        content: Mapping[str, Any],
        *,
        scope: Scope = "operate",
        timeout: float = 30,
    ) -> Any:
        return self.call(service, "POST", path, scope=scope, json=content, timeout=timeout)

    def download(self, service: str, path: str) -> bytes:
        return self._answer(service, "GET", path, scope="observe").content

    def patch(self, service: str, path: str, content: Mapping[str, Any]) -> Any:
        return self.call(service, "PATCH", path, scope="operate", json=content)

    @property
    def kafka(self) -> list[str]:
        return engine_settings(self.settings).kafka_bootstrap.split(",")

    def call(self, service: str, method: str, path: str, *, scope: Scope, **arguments: Any) -> Any:
        """The JSON that the service answers with, if it answers with anything."""
        response = self._answer(service, method, path, scope=scope, **arguments)
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
        scope: Scope,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30,
        **arguments: Any,
    ) -> httpx.Response:
        token = self.token(scope)
        try:
            response = httpx.request(
                method,
                f"{self.url(service)}{path}",
                headers={"Authorization": f"Bearer {token}", **(headers or {})},
                timeout=timeout,
                **arguments,
            )
        except httpx.TransportError as error:
            raise Unreachable(
                f"{service} does not answer at {self.url(service)}; is it up? (make status)"
            ) from error
        if response.status_code == httpx.codes.UNAUTHORIZED and token == self.settings.get(SESSION):
            raise SignedOut(
                "your session is over: `caseloop sign-in` again, or `caseloop sign-out` first to "
                "call as a machine"
            )
        if response.is_error:
            raise Refused(response)
        return response


def system() -> System:
    """The one that the environment names."""
    return System(environment())


class Unreachable(Exception):
    """The service cannot be reached."""


class SignedOut(Exception):
    """The stored session is over."""


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
