"""supervisor's configuration, read back with supervisor's own reader."""

from pathlib import Path

import pytest
from supervisor.options import ServerOptions

from deploy.embedded.layout import Layout
from deploy.embedded.programs import (
    ENGINES,
    Program,
    engine_programs,
    owner_watch_program,
    service_programs,
)
from deploy.embedded.supervision import Supervisor, render_config
from shared.services import SERVICES


def groups(home: Path) -> dict[str, ServerOptions]:
    layout = Layout(home)
    layout.create()
    programs = [owner_watch_program(1), *engine_programs(), *service_programs()]
    layout.supervisor_config.write_text(render_config(layout, programs))
    options = ServerOptions()
    options.realize(["-c", str(layout.supervisor_config)])
    return {group.name: group for group in options.process_group_configs}


def test_services_stop_before_engines(tmp_path: Path) -> None:
    found = groups(tmp_path)
    assert found["services"].priority > found["engines"].priority


def test_everything_restarts_for_ever_and_only_engines_start_alone(tmp_path: Path) -> None:
    for group in groups(tmp_path).values():
        for process in group.process_configs:
            assert process.startretries > 1_000_000
            assert process.autorestart
            assert process.autostart == (process.name not in SERVICES)


def test_stop_signals_are_those_that_each_program_needs(tmp_path: Path) -> None:
    found = groups(tmp_path)
    signals = {p.name: p.stopsignal.name for g in found.values() for p in g.process_configs}
    assert {name: signals[name] for name in ENGINES} == {
        "postgres": "SIGINT",
        "s3": "SIGKILL",
        "broker": "SIGKILL",
    }
    assert {signals[name] for name in SERVICES} == {"SIGTERM"}


def test_odd_characters_in_the_home_reach_the_programs(tmp_path: Path) -> None:
    home = tmp_path / "50% off, it's $here; and %(more)s"
    found = groups(home)
    for process in (p for group in found.values() for p in group.process_configs):
        assert process.stdout_logfile == str(home / "logs" / f"{process.name}.log")


def test_a_deep_home_gets_a_short_socket(tmp_path: Path) -> None:
    deep = Layout(tmp_path / ("x" * 120))
    assert len(str(deep.supervisor_socket)) < 100
    assert deep.supervisor_socket != Layout(tmp_path / ("y" * 120)).supervisor_socket


def test_a_supervisor_that_does_not_start_says_why(tmp_path: Path) -> None:
    layout = Layout(tmp_path)
    layout.create()
    wrong = Program("odd", "engines", ("true",), stop_signal="NOSUCH")

    with pytest.raises(ChildProcessError, match="NOSUCH"):
        Supervisor(layout).spawn([wrong], {})
