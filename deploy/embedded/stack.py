"""One stack: engines and services of a home folder, started together and killed one by one.

Starting is idempotent: what runs stays as it is, what is missing is started.
"""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Literal, Self

import psutil

from deploy.embedded import orphans
from deploy.embedded.engines.s3 import remove_sockets
from deploy.embedded.health import probe
from deploy.embedded.layout import REPOSITORY, Layout
from deploy.embedded.ports import DEFAULT_BASE, claimed_base
from deploy.embedded.programs import (
    ENGINES,
    Program,
    engine_programs,
    owner_watch_program,
    service_programs,
)
from deploy.embedded.settings import Settings, recorded_base
from deploy.embedded.supervision import Supervisor
from shared.services import SERVICES

_PATIENCE_SECONDS = 300.0  # for whoever says nothing else: a busy machine is slow, not broken
_KILL_SECONDS = 60.0
# Settings of services that do not begin with a service's name.
_SHARED_SETTINGS = {
    *("LABEL_THRESHOLD", "RELEASE_SCHEDULE", "RELEASE_MINIMUM_LABELS"),
    *("TRAINING_WINDOW", "MAX_CONCURRENT_RUNS", "LOG_LEVEL", "LOG_FORMAT"),
}

OnHealthy = Callable[[str, float], None]


class StackError(Exception):
    """The stack cannot do what was asked; the message says what to look at."""


class Unhealthy(StackError):
    """Processes that are not healthy in time: the reason of each, and where their logs are."""

    def __init__(self, reasons: Mapping[str, str], layout: Layout) -> None:
        lines = "; ".join(f"{name}: {reason}" for name, reason in reasons.items())
        super().__init__(f"not healthy: {lines}")
        self.reasons = dict(reasons)
        self.layout = layout


class EmbeddedStack:
    """The processes under `home`.

    `services` are those to run, in any number; `engines=False` runs them on engines whose
    addresses stand in `environment`, which is given to every process. `ports="free"` takes any
    free ports, otherwise the default ones if they are. A stack that is not to outlive this
    process (`outlive=False`) ends with it, however it ends.
    """

    def __init__(
        self,
        home: Path,
        *,
        services: Sequence[str] = SERVICES,
        engines: bool = True,
        environment: Mapping[str, str] | None = None,
        ports: Literal["default", "free"] = "default",
        outlive: bool = False,
    ) -> None:
        if unknown := set(services) - set(SERVICES):
            raise StackError(f"no such services: {', '.join(sorted(unknown))}")
        self.layout = Layout(home.resolve())
        self._services = tuple(services)
        self._engines = ENGINES if engines else ()
        self._overrides = dict(environment or {})
        self._wanted_base = None if ports == "free" else DEFAULT_BASE
        self._owner = None if outlive else os.getpid()
        self._supervisor = Supervisor(self.layout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def settings(self) -> Settings:
        return Settings.load(self.layout)

    @property
    def environment(self) -> dict[str, str]:
        """What every process of the stack gets, and what its clients need."""
        return dict(self.settings.environment)

    @property
    def process_names(self) -> tuple[str, ...]:
        return (*self._engines, *self._services)

    @property
    def supervisor(self) -> Supervisor:
        return self._supervisor

    def start(
        self, on_healthy: OnHealthy | None = None, *, timeout: float = _PATIENCE_SECONDS
    ) -> None:
        """Start what does not run; return when all is healthy, else raise `Unhealthy`.

        `timeout` (seconds) is for the engines and then again for the services; `on_healthy` is
        told each name with the seconds that it took.
        """
        self.layout.create()
        with ExitStack() as claims:
            with self.layout.locked():
                if self._supervisor.is_running():
                    self._check_same_settings()
                else:
                    self._spawn(claims)
            for name in self._engines:
                self._supervisor.start(name)
            self._wait(self._engines, timeout, on_healthy)
            if self._services:
                self._prepare()
            for name in self._services:
                self._supervisor.start(name)
            self._wait(self._services, timeout, on_healthy)

    def stop(self) -> None:
        """Stop everything and keep the data. Safe to call when nothing runs."""
        if self._supervisor.is_running():
            self._supervisor.shut_down()
        orphans.kill(self.layout)
        if self.layout.env_file.exists():
            remove_sockets(self.settings)

    def reset(self) -> None:
        """Stop everything and delete the home with all its data."""
        self.stop()
        shutil.rmtree(self.layout.home, ignore_errors=False)

    def pid(self, name: str) -> int:
        """The process's id; `StackError` while it does not run."""
        process = self._supervisor.processes()[name]
        if not process.pid:
            raise StackError(f"{name} does not run: {process.state}")
        return process.pid

    def kill(self, name: str) -> int:
        """SIGKILL the process, as a crash would; supervisor starts it again. Its old id."""
        process = psutil.Process(self.pid(name))
        process.kill()
        process.wait(_KILL_SECONDS)
        return process.pid

    def wait_healthy(self, *names: str, timeout: float = _PATIENCE_SECONDS) -> None:
        """Return when these processes (without names, all) are healthy; else `Unhealthy`."""
        self._wait(names or self.process_names, timeout, None)

    def _check_same_settings(self) -> None:
        """A running stack keeps its settings: others are refused rather than ignored."""
        fresh = Settings.make(
            self.layout, base_port=self.settings.base_port, overrides=self._overrides
        ).environment
        present, running = {**os.environ, **fresh}, self._supervisor.environment()
        names = {name for name in os.environ if is_setting(name)} | self._overrides.keys()
        if changed := sorted(name for name in names if running.get(name) != present[name]):
            raise StackError(f"it runs with another {', '.join(changed)}: stop it first")

    def _spawn(self, claims: ExitStack) -> None:
        orphans.kill(self.layout)
        wanted = recorded_base(self.layout) or self._wanted_base
        base = claims.enter_context(claimed_base(wanted))
        settings = Settings.make(self.layout, base_port=base, overrides=self._overrides)
        settings.save()
        self._supervisor.spawn(self._programs(), settings.environment)

    def _programs(self) -> list[Program]:
        """All services are known, so that a later start can add those that were left out."""
        engines = engine_programs() if self._engines else []
        owner_watch = [owner_watch_program(self._owner)] if self._owner else []
        return [*owner_watch, *engines, *service_programs()]

    def _prepare(self) -> None:
        result = subprocess.run(
            [sys.executable, "-m", "deploy.prepare"],
            env={**os.environ, **self.environment},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            raise StackError(f"the engines could not be prepared: {result.stderr[-2000:]}")

    def _wait(self, names: Sequence[str], timeout: float, on_healthy: OnHealthy | None) -> None:
        started = time.monotonic()
        waiting = dict.fromkeys(names, "not asked yet")
        while waiting:
            for name in list(waiting):
                health = probe(name, self.settings)
                if health.healthy:
                    del waiting[name]
                    if on_healthy:
                        on_healthy(name, time.monotonic() - started)
                else:
                    waiting[name] = health.reason
            if waiting and time.monotonic() - started > timeout:
                raise Unhealthy(waiting, self.layout)
            time.sleep(0.2 if waiting else 0)


def is_setting(name: str) -> bool:
    """Whether a variable of the caller's environment tells a service what to do."""
    prefixes = tuple(f"{service.upper()}_" for service in SERVICES)
    of_clients = name.endswith("_URL")  # where the command line finds a service
    return name in _SHARED_SETTINGS or (name.startswith(prefixes) and not of_clients)
