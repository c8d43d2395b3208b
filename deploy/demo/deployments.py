"""Where the demonstration runs: on embedded engines or in docker compose. Both stay up."""

import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from deploy.embedded.layout import REPOSITORY, Layout, default_home
from deploy.embedded.settings import OPERATOR, draw_key, fresh_tokens, read_env
from deploy.embedded.stack import EmbeddedStack
from deploy.roles import PASSWORD_VARIABLES
from services.trainer.strategies import STRATEGIES
from shared.models.base_model import SMOLLM2
from shared.services import PORTS

_ENV_FILE = REPOSITORY / ".env"
_UP = ("up", "--build", "--detach", "--wait")


class StartError(Exception):
    """The system could not be started; the message says what to look at."""


class Deployment(Protocol):
    """A system that can be started and reached."""

    hint: str  # what to do with it afterwards

    def saved_settings(self) -> Mapping[str, str]:
        """The settings of an earlier start, if there was one."""
        ...

    def start(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Start everything with these settings; the environment of a client."""
        ...

    @property
    def root_process(self) -> int | None:
        """The process that everything runs below, if it can be told."""
        ...


@dataclass
class Embedded:
    """Engines and services under supervisor; engines of the environment are used as they are."""

    external_engines: Mapping[str, str]
    home: Path = field(default_factory=default_home)
    hint: str = "make status, make logs, make down, make reset"

    def saved_settings(self) -> Mapping[str, str]:
        return read_env(Layout(self.home))

    def start(self, settings: Mapping[str, str]) -> dict[str, str]:
        environment = {**self.external_engines, **settings}
        stack = EmbeddedStack(
            self.home, engines=not self.external_engines, environment=environment, outlive=True
        )
        stack.start()
        return stack.environment

    @property
    def root_process(self) -> int | None:
        return int(Layout(self.home).supervisor_pid.read_text())


@dataclass
class Compose:
    """Containers. Secrets are made once and lie in `.env`, or the file CASELOOP_ENV names, with
    the ports and the settings of the last start.
    """

    file: Path = field(default_factory=lambda: Path(os.environ.get("CASELOOP_ENV", _ENV_FILE)))
    hint: str = "docker compose ps, docker compose logs, docker compose down"
    root_process: int | None = None

    def saved_settings(self) -> Mapping[str, str]:
        if not self.file.exists():
            return {}
        pairs = (line.partition("=") for line in self.file.read_text().splitlines())
        return {name: value for name, equals, value in pairs if equals}

    def start(self, settings: Mapping[str, str]) -> dict[str, str]:
        environment = {**_secrets(), **self.saved_settings(), **settings, **_image(settings)}
        self.file.touch(mode=0o600)
        self.file.write_text("".join(f"{n}={v}\n" for n, v in sorted(environment.items())))
        command = ["docker", "compose", "--env-file", str(self.file), *_UP]
        result = subprocess.run(
            command, cwd=REPOSITORY, capture_output=True, text=True, check=False
        )
        if result.returncode:
            output = result.stderr[-2000:]
            raise StartError(
                "\n".join([f"{' '.join(command)} failed:", output, *_ends_of_logs(output)])
            )
        return environment | _addresses(environment)


def _ends_of_logs(output: str) -> Iterator[str]:
    """The last lines of each container that docker compose calls unhealthy or ended."""
    for name in dict.fromkeys(re.findall(r"container (\S+) (?:is unhealthy|exited)", output)):
        log = subprocess.run(
            ["docker", "logs", "--tail", "25", name],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        yield f"end of the log of {name}:\n{log.stdout.decode(errors='replace')}"


def _secrets() -> dict[str, str]:
    return {
        "POSTGRES_PASSWORD": secrets.token_urlsafe(24),
        **{name: secrets.token_urlsafe(24) for name in PASSWORD_VARIABLES},
        "S3_ACCESS_KEY": "caseloop",
        "S3_SECRET_KEY": secrets.token_urlsafe(24),
        "API_TOKENS": fresh_tokens(),
        "REVIEW_QUEUE_BOOTSTRAP_USERS": f"{OPERATOR}:operator:{secrets.token_urlsafe(24)}",
        "DRAW_KEY": draw_key(),
    }


def _image(settings: Mapping[str, str]) -> dict[str, str]:
    """Without a language model, the image needs no PyTorch, and no base model is registered."""
    if not STRATEGIES[settings["TRAINER_STRATEGY"]].needs_base_model:
        return {"CASELOOP_EXTRAS": "linear", "CASELOOP_PREPARE": "--no-base-model"}
    return {"CASELOOP_EXTRAS": "models", "CASELOOP_PREPARE": f"--base-model {SMOLLM2}"}


def _addresses(environment: Mapping[str, str]) -> dict[str, str]:
    """The published ports, as this machine sees them."""
    password = environment["POSTGRES_PASSWORD"]
    ports = {f"{name.upper()}_PORT": str(port) for name, port in PORTS.items()}
    database = f"127.0.0.1:{environment.get('POSTGRES_PORT', '5432')}/caseloop"
    return {
        **ports,
        **{name: environment[name] for name in ports if name in environment},
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{environment.get('KAFKA_PORT', '9094')}",
        "S3_ENDPOINT": f"127.0.0.1:{environment.get('S3_PORT', '9000')}",
        "DATABASE_URL": f"postgresql://caseloop:{password}@{database}",
    }
