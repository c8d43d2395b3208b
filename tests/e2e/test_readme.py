"""What the README promises: the demonstration closes the loop, and every command then works."""

import json
import re
import shlex
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaProducer

from deploy.cli.dead_letters import read_dead_letters
from deploy.simulation import Simulation, write_history
from shared.messaging.topics import CASES_SUBMITTED
from shared.tasks import TASKS
from tests.support.demonstration import Demonstration, assert_nothing_lost, demonstration
from tests.support.patience import PATIENCE_SECONDS, wait_until

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "claim.json"


@dataclass(frozen=True)
class Played:
    """A system that is left running, and what the demonstration said, first and once more."""

    system: Demonstration
    first: Mapping[str, Any]
    again: Mapping[str, Any]


@pytest.fixture(scope="module")
def linear() -> Iterator[Played]:
    """Played twice before any test: those may do with the system what they like."""
    with demonstration() as system:
        first = system.play("--strategy", "linear", seconds=1200)
        yield Played(system, first, again=system.play("--strategy", "linear", seconds=1200))


def test_the_loop_closes_with_scikit_learn_and_a_second_run_is_quick(linear: Played) -> None:
    demo, again = linear.first, linear.again
    assert_nothing_lost(demo)
    assert demo["verdict"] == "PASS"
    assert demo["champion"] == "adjudication-v1.1"
    assert demo["dataset_versions"] >= 2
    assert demo["after"]["accuracy"] > demo["before"]["accuracy"]
    assert demo["after"]["auto_accept_rate"] > 0.3  # of the claims, four in five pass all edits
    assert_nothing_lost(again)
    assert (again["cases"], again["labels"]) == (demo["cases"], demo["labels"])


def commands() -> list[list[str]]:
    """The lines of the README's blocks that begin with `caseloop` or `python`, as arguments."""
    blocks = re.findall(r"^```\w*\n(.*?)^```$", (ROOT / "README.md").read_text(), re.M | re.S)
    lines = [line for block in blocks for line in block.splitlines()]
    return [
        shlex.split(line, comments=True) for line in lines if re.match("caseloop|python ", line)
    ]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that the commands name."""
    folder = tmp_path_factory.mktemp("readme")
    case = json.loads(EXAMPLE.read_text())
    (folder / "claim.json").write_text(json.dumps({**case, "case_id": "README-1.1"}))
    lines = (json.dumps({**case, "case_id": f"README-2.{number}"}) for number in (1, 2))
    (folder / "claims.jsonl").write_text("\n".join(lines))
    write_history(folder / "history.csv", TASKS["adjudication"], Simulation(77).claims(count=20))
    return folder


def dead_letter(bootstrap: list[str]) -> str:
    """The place of a record that no service can process."""
    producer = KafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=False)
    producer.send(CASES_SUBMITTED.name, b"garbage").get(timeout=PATIENCE_SECONDS)
    producer.close()
    wait_until(lambda: list(read_dead_letters(bootstrap)))
    return next(read_dead_letters(bootstrap)).location


def test_every_command_works(linear: Played, files: Path) -> None:
    system = linear.system
    shown = commands()
    given = {path.name: str(path) for path in files.iterdir()}
    given |= {name: str(Path(sys.executable).with_name(name)) for name in ("python", "caseloop")}
    given["…"] = "a test"
    given["TOPIC/PARTITION/OFFSET"] = dead_letter([system.environment["KAFKA_BOOTSTRAP"]])
    assert len(shown) >= 12

    for command in shown:
        arguments = [given.get(word, word) for word in command]
        if "examples/follow_decisions.py" in arguments:
            arguments += ["--events", "20"]
        if command[:2] == ["caseloop", "report"]:
            arguments += ["--output", str(files)]
        result = system.run(arguments)
        if command[:3] == ["caseloop", "imports", "confirm"]:
            # The demonstration asks for no second person, so that there is nothing to confirm.
            assert "only a held one is confirmed" in result.stderr
            continue
        if "recorded, but NOT YET APPLIED" in result.stderr:
            continue  # a busy machine obeys an order later
        assert result.returncode == 0, f"{command}: {result.stdout}{result.stderr}"
        if found := re.search(r"\(import\s+(\w+),", result.stdout):
            given["IMPORT_ID"] = found[1]
        assert result.stdout.strip(), command


def test_what_happens_by_itself_can_be_pressed(linear: Played, files: Path) -> None:
    def press(*arguments: str) -> tuple[int, str]:
        command = [str(Path(sys.executable).with_name("caseloop")), *arguments]
        result = linear.system.run(command)
        return result.returncode, result.stdout + result.stderr

    nothing = "409: no label of adjudication waits"  # once what came before is released
    wait_until(lambda: press("release", "adjudication")[1].startswith(nothing))
    more = files / "more.csv"
    write_history(more, TASKS["adjudication"], Simulation(78).claims(count=20))
    press("import", str(more))
    code, said = press("release", "adjudication")
    assert (code, said.split()[:1]) == (0, ["released"])

    unknown = "adjudication-v9.9"
    for command in (
        ("promote", "adjudication", unknown, "--why", "a test"),
        ("retry-training", "no-such-run"),
        ("retry-evaluation", unknown),
    ):
        code, said = press(*command)
        assert (code, said[:1]) == (1, "4"), (command, said)
