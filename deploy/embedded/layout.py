"""Where an embedded stack keeps its things: one folder, removed by `reset`."""

import fcntl
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]

_LONGEST_SOCKET_PATH = 90  # the kernel's limit is 104 to 108; supervisor appends its pid


def default_home() -> Path:
    """`CASELOOP_HOME`, else `.caseloop` in the repository."""
    return Path(os.environ.get("CASELOOP_HOME", REPOSITORY / ".caseloop")).resolve()


@dataclass(frozen=True)
class Layout:
    """The paths under one home. `env` and `run` hold secrets and are for the owner only."""

    home: Path

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def env_file(self) -> Path:
        return self.home / "env"

    @property
    def session_file(self) -> Path:
        """Of whoever has signed in with `caseloop sign-in`."""
        return self.home / "session"

    @property
    def supervisor_config(self) -> Path:
        return self.run / "supervisor.conf"

    @property
    def supervisor_pid(self) -> Path:
        return self.run / "supervisor.pid"

    @property
    def supervisor_socket(self) -> Path:
        """In `run`, or in the temporary folder if the home's path is too long for a socket."""
        path = self.run / "supervisor.sock"
        if len(str(path)) <= _LONGEST_SOCKET_PATH:
            return path
        digest = hashlib.sha256(str(path).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"caseloop-{digest}.sock"

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One at a time: two commands must not both start a supervisor."""
        with (self.run / "lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def create(self) -> None:
        """Make the folders. PostgreSQL, as another user under root, must get through to `data`."""
        for folder, mode in ((self.home, 0o711), (self.data, 0o711), (self.logs, 0o700)):
            folder.mkdir(parents=True, exist_ok=True, mode=mode)
        self.run.mkdir(exist_ok=True, mode=0o700)
