"""No consumer reads what a Kafka transaction took back: each one that is built says so."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.documents import ROOT

CONSUMERS = {"AIOKafkaConsumer", "KafkaConsumer"}
FILES = [
    path
    for folder in ("shared", "services", "deploy", "examples")
    for path in sorted((ROOT / folder).rglob("*.py"))
]


def built(path: Path) -> Iterator[ast.Call]:
    """The calls that build a consumer."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            name = node.func
            if (isinstance(name, ast.Name) and name.id in CONSUMERS) or (
                isinstance(name, ast.Attribute) and name.attr == "subscriber"
            ):
                yield node


def level(call: ast.Call) -> str | None:
    return next((ast.unparse(k.value) for k in call.keywords if k.arg == "isolation_level"), None)


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if any(built(path))],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_consumer_reads_committed_records_only(path: Path) -> None:
    for call in built(path):
        assert level(call) in ("READ_COMMITTED", "'read_committed'"), ast.unparse(call)[:80]


def test_the_consumers_are_found() -> None:
    assert {path.name for path in FILES if any(built(path))} >= {
        "bus.py",
        "following.py",
        "dead_letters.py",
        "loop_state.py",
        "follow_decisions.py",
    }
