"""Starting, showing and ending a stack: idempotent, clear about failures, nothing left behind."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from deploy.embedded.__main__ import app
from deploy.embedded.layout import REPOSITORY, Layout
from deploy.embedded.stack import EmbeddedStack, StackError
from deploy.embedded.status import Status, statuses
from tests.support.engines.lifecycle import temporary_home
from tests.support.patience import PATIENCE_SECONDS, wait_until

OWNER = """
import sys
from pathlib import Path
from deploy.embedded.stack import EmbeddedStack

EmbeddedStack(Path(sys.argv[1]), services=(), engines=False, ports="free").start()
print("started", flush=True)
sys.stdin.read()
"""


def test_second_start_changes_nothing(stack: EmbeddedStack) -> None:
    pids = [stack.pid(name) for name in stack.process_names]
    environment = stack.environment

    EmbeddedStack(stack.layout.home, services=(), ports="free").start()

    assert [stack.pid(name) for name in stack.process_names] == pids
    assert stack.environment == environment


def test_running_stack_refuses_other_settings(stack: EmbeddedStack) -> None:
    other = EmbeddedStack(stack.layout.home, services=(), environment={"LABEL_THRESHOLD": "7"})
    with pytest.raises(StackError, match="LABEL_THRESHOLD"):
        other.start()


def test_running_stack_refuses_other_settings_of_the_callers_environment(
    stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = EmbeddedStack(stack.layout.home, services=(), ports="free")
    monkeypatch.setenv("PROMOTER_URL", "http://promoter.example")  # no setting of a service
    monkeypatch.setenv("INFERENCE_PORT", "1")  # of another system: a stack has its own
    again.start()

    monkeypatch.setenv("LABEL_THRESHOLD", "7")
    with pytest.raises(StackError, match="another LABEL_THRESHOLD: stop it first"):
        again.start()


def test_status_tells_memory_and_health(stack: EmbeddedStack) -> None:
    def look() -> dict[str, Status]:
        return {row.name: row for row in statuses(stack.supervisor.processes(), stack.settings)}

    def all_are_healthy() -> bool:
        found = look()
        health = [found[name].health for name in stack.process_names]
        return all(each is not None and each.healthy for each in health)

    wait_until(all_are_healthy)  # each has seconds to answer, which a busy machine may miss
    rows = look()
    for name in stack.process_names:
        assert 1 < rows[name].memory_mb < 400
    assert rows["inference"].health is None


def test_start_starts_what_was_stopped(stack: EmbeddedStack) -> None:
    stack.supervisor.stop("broker")
    with pytest.raises(StackError, match="broker does not run"):
        stack.pid("broker")
    stack.start()
    assert stack.pid("broker")


@pytest.mark.parametrize("engine", ["s3", "broker", "postgres"])
def test_status_command_names_an_engine_that_hangs(
    engine: str, stack: EmbeddedStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASELOOP_HOME", str(stack.layout.home))
    wait_until(lambda: CliRunner().invoke(app, ["status"]).exit_code == 0)
    hanging = psutil.Process(stack.pid(engine))
    hanging.suspend()
    try:
        result = CliRunner().invoke(app, ["status"])  # it comes back, whatever hangs
    finally:
        hanging.resume()
    assert result.exit_code == 1
    line = next(line for line in result.output.splitlines() if line.startswith(engine))
    assert "healthy" not in line
    stack.wait_healthy()


def test_start_cleans_up_after_a_killed_supervisor(stack: EmbeddedStack) -> None:
    orphan = stack.pid("s3")
    supervisor = psutil.Process(int(stack.layout.supervisor_pid.read_text()))
    supervisor.kill()
    supervisor.wait(PATIENCE_SECONDS)
    assert psutil.pid_exists(orphan)

    stack.start()

    assert stack.pid("s3") != orphan
    assert not psutil.pid_exists(orphan)


def test_up_shows_the_log_of_what_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with temporary_home() as home:
        monkeypatch.setenv("CASELOOP_HOME", str(home))
        cluster = home / "data" / "postgres" / "cluster"
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("not a version")
        try:
            result = CliRunner().invoke(app, ["up", "--only", "engines", "--timeout", "4"])
        finally:
            CliRunner().invoke(app, ["down"])
    assert result.exit_code == 1
    assert "not healthy  postgres" in result.output
    assert "end of" in result.output


def test_stack_ends_with_the_process_that_owns_it() -> None:
    with temporary_home() as home:
        command = [sys.executable, "-c", OWNER, str(home)]
        owner = subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert owner.stdout is not None
        assert owner.stdout.readline() == b"started\n"
        supervisor = psutil.Process(int(Layout(home).supervisor_pid.read_text()))

        owner.kill()
        owner.wait(PATIENCE_SECONDS)

        supervisor.wait(PATIENCE_SECONDS)


def test_reset_deletes_the_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    home = tmp_path / "home"
    monkeypatch.setenv("CASELOOP_HOME", str(home))
    EmbeddedStack(home, services=(), engines=False, ports="free").start()
    assert CliRunner().invoke(app, ["reset"], input="n\n").exit_code == 1
    assert home.exists()
    assert CliRunner().invoke(app, ["reset", "--yes"]).exit_code == 0
    assert not home.exists()
