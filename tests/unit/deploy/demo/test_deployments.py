"""What a run in docker compose takes from the run before: secrets and ports, and no settings."""

from pathlib import Path

import pytest

from deploy.demo.deployments import Compose, StartError
from deploy.demo.plan import simulated, with_strategy


@pytest.fixture
def compose(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compose:
    """With a `docker` that does nothing: what matters is the file that the containers read."""
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\n")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    return Compose(tmp_path / "env")


def settings(strategy: str) -> dict[str, str]:
    return with_strategy(simulated(seed=1), strategy).environment


@pytest.mark.parametrize(("first", "second"), [("lora", "linear"), ("linear", "lora")])
def test_the_settings_of_this_run_win_over_those_of_the_last(
    compose: Compose, first: str, second: str
) -> None:
    compose.start(settings(first))
    compose.start(settings(second))

    small = second == "linear"
    known = compose.saved_settings()
    assert known["TRAINER_STRATEGY"] == second
    assert known["CASELOOP_EXTRAS"] == ("linear" if small else "models")
    assert known["CASELOOP_PREPARE"].startswith("--no-base-model" if small else "--base-model ")


def test_secrets_ports_and_settings_that_the_run_does_not_name_stay(compose: Compose) -> None:
    compose.file.write_text("KAFKA_PORT=19094\nTRAINING_WINDOW=02:00-06:00\n")
    first = compose.start(settings("linear"))
    second = compose.start(settings("linear"))

    assert second == first
    assert second["KAFKA_BOOTSTRAP"] == "127.0.0.1:19094"
    assert compose.saved_settings()["TRAINING_WINDOW"] == "02:00-06:00"
    assert len(second["POSTGRES_PASSWORD"]) > 20


def test_the_end_of_the_log_of_an_unhealthy_container_is_shown(
    compose: Compose, tmp_path: Path
) -> None:
    (tmp_path / "docker").write_text(
        """#!/bin/sh
case "$1" in
    compose) echo "container caseloop-trainer-1 is unhealthy" >&2; exit 1 ;;
    logs) echo "KeyError: threshold of $4" >&2 ;;
esac
"""
    )

    with pytest.raises(StartError, match="KeyError: threshold of caseloop-trainer-1"):
        compose.start(settings("linear"))
