"""Apache Kafka and MinIO, started by the scripts in the folder that TEST_ENGINES names.

`kafka-up DIR BROKERS PORT` and `minio-up DIR PORT` start a server, or start it again, with its
data under DIR and print its settings; `down DIR` stops it. Process ids lie in `pid` files.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from deploy.embedded.external_engines import read_external_engines
from deploy.embedded.ports import claimed_base
from deploy.embedded.stack import EmbeddedStack


@dataclass(frozen=True)
class RealEngines:
    """Apache Kafka, MinIO, and the embedded PostgreSQL, which is the real one."""

    environment: dict[str, str]
    home: Path
    kafka_up: Callable[[], dict[str, str]]
    minio_up: Callable[[], dict[str, str]]
    stack: EmbeddedStack

    @classmethod
    def start(
        cls, scripts: Path, home: Path, exits: ExitStack, *, brokers: int = 1
    ) -> "RealEngines":
        """Start all three; they stop, and their ports are free again, when `exits` closes."""
        base = exits.enter_context(claimed_base(None))

        def up(script: str, *arguments: str) -> dict[str, str]:
            folder = home / script
            command = [str(scripts / script), str(folder), *arguments]
            output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            return dict(line.split("=", 1) for line in output.splitlines() if "=" in line)

        def kafka_up() -> dict[str, str]:
            return up("kafka-up", str(brokers), str(base))

        def minio_up() -> dict[str, str]:
            return up("minio-up", str(base + brokers))

        for script in ("kafka-up", "minio-up"):
            exits.callback(
                subprocess.run, [str(scripts / "down"), str(home / script)], capture_output=True
            )
        settings = kafka_up() | minio_up()
        stack = EmbeddedStack(home / "embedded", services=(), ports="free")
        embedded = read_external_engines(exits.enter_context(stack).environment)
        environment = {**embedded, **settings, "KAFKA_IDEMPOTENCE": "true"}
        return cls(environment, home, kafka_up, minio_up, stack)

    def kill(self, name: str) -> None:
        """SIGKILL an engine and return when it answers again."""
        with self.away(name):
            pass

    @contextmanager
    def away(self, name: str) -> Iterator[None]:
        """SIGKILL an engine and start it again at the end of the block."""
        if name == "postgres":
            self.stack.supervisor.stop(name)
            yield
            self.stack.supervisor.start(name)
            self.stack.wait_healthy(name)
            return
        file, up = {
            "broker": (self.home / "kafka-up" / "broker-1" / "pid", self.kafka_up),
            "s3": (self.home / "minio-up" / "pid", self.minio_up),
        }[name]
        _kill(int(file.read_text()))
        yield
        up()


def _kill(pid: int) -> None:
    """Return when it is gone: whoever is started in its place must not take it for alive."""
    os.kill(pid, signal.SIGKILL)
    with suppress(psutil.NoSuchProcess):
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.01)
