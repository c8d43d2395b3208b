"""The demonstration as tests play it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deploy.embedded.layout import Layout
from deploy.embedded.settings import read_env
from tests.support.engines.lifecycle import Engines, own_engines, temporary_home
from tests.support.patience import PATIENCE_SECONDS


@dataclass(frozen=True)
class Demonstration:
    """A system of its own, on which the demonstration is played and which it leaves running."""

    home: Path
    engines: Engines
    settings: Mapping[str, str] = field(default_factory=dict)  # of the services

    @property
    def environment(self) -> dict[str, str]:
        """Of somebody who works with the running system."""
        own = {**os.environ, **self.engines.environment, "CASELOOP_HOME": str(self.home)}
        return {**own, **self.settings, **read_env(Layout(self.home))}

    def play(self, *arguments: str, seconds: float) -> Mapping[str, Any]:
        """What the last line of `make demo` says."""
        result = self.run([sys.executable, "-m", "deploy.demo", *arguments], seconds=seconds)
        assert result.returncode == 0, result.stdout[-4000:] + result.stderr[-4000:]
        found: Mapping[str, Any] = json.loads(result.stdout.strip().splitlines()[-1])["demo"]
        return found

    def run(
        self, command: list[str], *, seconds: float = PATIENCE_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            env={**self.environment, "COLUMNS": "300"},
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )


def assert_nothing_lost(demo: Mapping[str, Any]) -> None:
    assert demo["cases"] > 0
    assert demo["decisions"] == demo["cases"]
    assert demo["lost"] == demo["doubled"] == demo["unreadable"] == demo["adverse_automatic"] == 0


@contextmanager
def demonstration(**settings: str) -> Iterator[Demonstration]:
    with own_engines() as engines, temporary_home() as home:
        found = Demonstration(home, engines, settings)
        try:
            yield found
        finally:
            found.run(
                [sys.executable, "-m", "deploy.embedded", "reset", "--yes"],
                seconds=PATIENCE_SECONDS,
            )
