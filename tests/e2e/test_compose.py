"""The whole stack in docker compose: the loop closed through published ports, processes killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.embedded.layout import REPOSITORY
from deploy.embedded.ports import claimed_base
from shared.services import SERVICES
from tests.support.demonstration import assert_nothing_lost
from tests.support.patience import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.engines]

PORTS = (
    *(f"{service.upper()}_PORT" for service in SERVICES),
    *("KAFKA_PORT", "S3_PORT", "POSTGRES_PORT"),
)


@pytest.fixture(scope="module")
def docker() -> None:
    """A Docker engine with compose; TEST_ENGINES may have a script that starts one."""
    script = Path(os.environ.get("TEST_ENGINES", "")) / "docker-up"
    if script.is_file():
        subprocess.run([str(script)], check=True, capture_output=True)
    subprocess.run(["docker", "compose", "version"], check=True, capture_output=True)


@pytest.fixture
def environment(docker: None, tmp_path: Path) -> Iterator[dict[str, str]]:
    """A project of its own on free ports, taken down with its volumes at the end."""
    file = tmp_path / "env"
    with claimed_base(None) as base:
        file.write_text("".join(f"{name}={base + n}\n" for n, name in enumerate(PORTS, start=1)))
        project = {"COMPOSE_PROJECT_NAME": f"caseloop-test-{base}", "CASELOOP_ENV": str(file)}
        environment = {**os.environ, **project}
        yield environment
        compose(environment, "down", "--volumes", "--timeout", "5")


def compose(environment: dict[str, str], *arguments: str) -> str:
    command = ["docker", "compose", "--env-file", environment["CASELOOP_ENV"], *arguments]
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False
    ).stdout


def crash(environment: dict[str, str], service: str) -> None:
    """SIGKILL the container's process from outside, as a crash would: compose restarts it."""
    container = compose(environment, "ps", "--quiet", service).strip()
    found = subprocess.run(
        ["docker", "inspect", "--format", "{{.State.Pid}}", container],
        capture_output=True,
        text=True,
        check=True,
    )
    pid = int(found.stdout)
    assert pid > 0, f"{service} does not run"  # 0 would be all that started this test
    os.kill(pid, signal.SIGKILL)


def test_the_loop_closes_in_compose(environment: dict[str, str]) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-m", "deploy.demo", "--compose", "--strategy", "linear"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert demo.stdout is not None
    lines = []
    for line in demo.stdout:
        lines.append(line)
        if "100 claims in" in line:
            for service in ("confidence_filter", "inference", "review_queue"):
                crash(environment, service)
    assert demo.wait() == 0, "".join(lines[-40:])
    (found,) = [json.loads(line)["demo"] for line in lines if line.startswith('{"demo"')]

    assert_nothing_lost(found)
    assert found["champion"] == "adjudication-v1.1"
    assert len(health_of(environment)) == 10
    wait_until(lambda: set(health_of(environment).values()) == {"healthy"})


def health_of(environment: dict[str, str]) -> dict[str, str]:
    """Of each container that runs, what its engine has last found."""
    states = [json.loads(s) for s in compose(environment, "ps", "--format", "json").splitlines()]
    rows = states[0] if isinstance(states[0], list) else states
    return {row["Service"]: row["Health"] for row in rows if row["State"] == "running"}
