"""What every process of a stack gets: addresses and secrets, kept in the home's `env` file.

Secrets are made once and stay; addresses follow the base port. The file can be sourced by a shell.
"""

import os
import secrets
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from deploy.embedded.layout import Layout
from deploy.embedded.ports import OFFSETS
from deploy.roles import PASSWORD_VARIABLES
from shared.auth.permissions import Scope
from shared.services import SERVICES

_BASE = "CASELOOP_BASE_PORT"
OPERATOR = "operator"  # who the system's owner can sign in as from the start
# One token for each thing to do: whoever gets hold of one cannot submit, import and release.
CALLERS: tuple[tuple[str, Scope], ...] = (
    ("submitter", "submit"),
    ("importer", "import"),
    ("monitor", "observe"),
    ("operations", "operate"),
)


@dataclass(frozen=True)
class Settings:
    """The environment of a stack: exactly what is in its `env` file."""

    layout: Layout
    environment: Mapping[str, str]

    @classmethod
    def make(
        cls,
        layout: Layout,
        *,
        base_port: int,
        overrides: Mapping[str, str],
        ambient: Mapping[str, str] = os.environ,
    ) -> Self:
        """Settings for these ports, with the secrets and further settings of an earlier start.

        `overrides` stand over everything; `ambient`, the caller's environment, only over further
        settings, so that another project's DATABASE_URL never gets in.
        """
        earlier = read_env(layout)
        own = {name: earlier.get(name, value) for name, value in _secrets().items()}
        own |= _addresses(base_port, own["DATABASE_PASSWORD"]) | _data_folders(layout)
        further = {name: ambient.get(name, value) for name, value in earlier.items()}
        environment = {**further, **own, **overrides}
        if "DATABASE_URL" in overrides:  # another's server: its roles are not ours to make
            for name in PASSWORD_VARIABLES - overrides.keys():
                del environment[name]
        return cls(layout, environment)

    @classmethod
    def load(cls, layout: Layout) -> Self:
        """The settings of the last start; `FileNotFoundError` if there was none."""
        if not layout.env_file.exists():
            raise FileNotFoundError(f"{layout.home} holds no stack: start one with `make up`")
        return cls(layout, read_env(layout))

    def save(self) -> None:
        lines = [f"{name}={shlex.quote(value)}" for name, value in sorted(self.environment.items())]
        temporary = self.layout.env_file.with_suffix(".new")
        temporary.touch(mode=0o600)
        temporary.write_text("\n".join(lines) + "\n")
        temporary.replace(self.layout.env_file)

    @property
    def base_port(self) -> int:
        return int(self.environment[_BASE])

    def port(self, listener: str) -> int:
        return self.base_port + OFFSETS[listener]

    def address(self, listener: str) -> str:
        return f"127.0.0.1:{self.port(listener)}"


def read_env(layout: Layout) -> dict[str, str]:
    """The `env` file's settings, none if there is no file."""
    if not layout.env_file.exists():
        return {}
    lines = layout.env_file.read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: "".join(shlex.split(value)) for name, _, value in pairs}


def recorded_base(layout: Layout) -> int | None:
    base = read_env(layout).get(_BASE)
    return int(base) if base else None


def fresh_tokens() -> str:
    """A token for each of the callers, as `API_TOKENS` has them."""
    return ",".join(f"{name}:{scope}:{secrets.token_urlsafe(24)}" for name, scope in CALLERS)


def draw_key() -> str:
    """A fresh key for draws, as `DRAW_KEY` has it: its version and the secret."""
    return f"1:{secrets.token_hex(32)}"


def _secrets() -> dict[str, str]:
    return {
        "API_TOKENS": fresh_tokens(),
        "REVIEW_QUEUE_BOOTSTRAP_USERS": f"{OPERATOR}:operator:{secrets.token_urlsafe(24)}",
        "DRAW_KEY": draw_key(),
        "DATABASE_PASSWORD": secrets.token_urlsafe(24),
        **{name: secrets.token_urlsafe(24) for name in PASSWORD_VARIABLES},
        "S3_ACCESS_KEY": secrets.token_hex(10),
        "S3_SECRET_KEY": secrets.token_urlsafe(30),
    }


def _addresses(base: int, password: str) -> dict[str, str]:
    review_queue = f"http://127.0.0.1:{base + OFFSETS['review_queue']}"
    services = {f"{name.upper()}_PORT": str(base + OFFSETS[name]) for name in SERVICES}
    database = f"caseloop:{password}@127.0.0.1:{base + OFFSETS['postgres']}/caseloop"
    return {
        _BASE: str(base),
        "KAFKA_BOOTSTRAP": f"127.0.0.1:{base + OFFSETS['broker']}",
        "KAFKA_IDEMPOTENCE": "false",  # Tansu refuses InitProducerId
        "S3_ENDPOINT": f"127.0.0.1:{base + OFFSETS['s3']}",
        "S3_SECURE": "false",
        "DATABASE_URL": f"postgresql://{database}",
        "REVIEW_QUEUE_URL": review_queue,
        **services,
    }


def _data_folders(layout: Layout) -> dict[str, str]:
    return {
        "CASELOOP_HOME": str(layout.home),
        "INFERENCE_MODEL_CACHE": str(layout.data / "models"),
        "TRAINER_WORK_DIRECTORY": str(layout.data / "training"),
        "EVALUATOR_MODEL_CACHE": str(layout.data / "evaluations"),
    }
