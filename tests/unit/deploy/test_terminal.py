"""Whatever a record or a service says is printed as it is, and ends no command."""

from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from kafka import TopicPartition
from rich.console import RenderableType

from deploy.cli import views
from deploy.cli.dead_letters import StoredLetter
from deploy.demo.display import Display
from deploy.demo.loop_state import LoopState
from deploy.embedded import status
from deploy.embedded.health import ProcessHealth
from deploy.terminal import Terminal
from shared.errors import Rejected
from shared.messaging.dead_letters import DeadLetter
from shared.messaging.topics import ROLLOUTS_CHANGED
from tests.support.builders.events import rollout

POISON = ("[/x]", "[quantized]", ":smile:", "[red]", "\x1b[2J")


def shown(*parts: RenderableType) -> str:
    terminal = Terminal(file=StringIO(), width=300)
    for part in parts:
        terminal.print(part)
    assert isinstance(terminal.file, StringIO)
    return terminal.file.getvalue()


@pytest.mark.parametrize("poison", POISON)
def test_a_dead_letter_of_any_error_is_listed(poison: str) -> None:
    record = SimpleNamespace(topic="t", partition=0, offset=1, key=b"", value=b"", headers=())
    letter = DeadLetter.of(record, group="inference", error=Rejected("is odd", field=poison))

    found = shown(views.letters([StoredLetter(TopicPartition("t.inference.dlq", 0), 7, letter)]))

    assert f"{poison}: is odd".replace("\x1b", r"\x1b") in found


def test_a_refused_row_is_listed_with_its_column() -> None:
    row = {"line": 3, "field": "[/b]", "why": "[quantized] is not known"}
    counts = {"accepted": 0, "rows": 1, "duplicates": 0, "refused_rows": 1, "import_id": "1"}
    people = {"imported_by": "[olga]", "confirmed_by": None, "recall_reason": None}
    report = {**counts, **people, "status": "held", "dataset_versions": [], "refused": [row]}

    found = shown(*views.import_report(report))

    assert "[/b]" in found
    assert "[quantized] is not known" in found
    assert "brought by [olga], confirmed by nobody" in found
    assert "caseloop imports confirm 1" in found


def test_a_health_of_any_reason_is_shown() -> None:
    row = status.Status("trainer", "RUNNING", "address", health=ProcessHealth(False, "lost [/run]"))

    assert "lost [/run]" in shown(status.table([row]))


def test_a_step_of_any_name_is_shown() -> None:
    terminal = Terminal(file=StringIO(), width=300)
    Display(LoopState("adjudication", own=set()), terminal).step("v[quantized]: FAIL [/x]")

    assert isinstance(terminal.file, StringIO)
    assert "v[quantized]: FAIL [/x]" in terminal.file.getvalue()


def test_where_no_version_serves_it_is_said() -> None:
    """As after a rollback of the first one."""
    terminal = Terminal(file=StringIO(), width=300)
    loop = LoopState("adjudication", own=set())
    loop.read(ROLLOUTS_CHANGED, rollout(champion=None, revision=2).model_dump_json().encode())
    display = Display(loop, terminal)
    display.milestones()

    assert "champion nobody: all cases go to experts" in shown(display)
    assert isinstance(terminal.file, StringIO)
    assert "rollout 2: champion nobody: all cases go to experts" in terminal.file.getvalue()


def test_every_command_prints_to_such_a_terminal() -> None:
    files = [file for file in Path("deploy").rglob("*.py") if file.name != "terminal.py"]

    assert [str(file) for file in files if "Console(" in file.read_text()] == []
