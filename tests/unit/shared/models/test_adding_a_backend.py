"""`docs/adding-a-backend.md` followed to the letter: its backend keeps every promise."""

import inspect
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shared.models import backends
from shared.models.backends.registry import BACKENDS
from tests.support.documents import ROOT
from tests.unit.shared.models import test_backends as suite

PAGE = (ROOT / "docs" / "adding-a-backend.md").read_text()
_FILE = re.compile(r"^`shared/models/(\S+)`: .*?^```python\n(.*?)^```$", re.M | re.S)
_LINE = re.compile(r'^    "(\w+)": "([\w.]+)",$', re.M)
WORDS = ("pass.", "exclusion", "pend.", "limited.", "none", "better")
DAMAGES = ("missing", "truncated", "empty directory")
PROMISES = [
    test
    for name, test in inspect.getmembers(suite, inspect.isfunction)
    if name.startswith("test_") and {"subject", "loaded"} & set(inspect.signature(test).parameters)
]


@pytest.fixture
def keywords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[suite.Subject]:
    """The page's file and line, and two versions for it."""
    ((name, code),) = _FILE.findall(PAGE)
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text(code)
    monkeypatch.setattr(backends, "__path__", [*backends.__path__, str(tmp_path / "backends")])
    ((listed, module),) = _LINE.findall(PAGE)
    monkeypatch.setitem(BACKENDS, listed, module)
    versions = {version: tmp_path / version for version in (suite.OLD, suite.NEW)}
    for seed, directory in enumerate(versions.values(), start=1):
        directory.mkdir()
        weights = {
            label: {word: seed * (rank + 1) * (order + 1) / 9 for rank, word in enumerate(WORDS)}
            for order, label in enumerate(suite.LABELS)
        }
        (directory / "keywords.json").write_text(json.dumps(weights))
    yield suite.open_subject(listed, suite.Files(versions, "keywords.json"))
    sys.modules.pop(module, None)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
def test_it_keeps_its_promise(
    promise: Callable[..., None], keywords: suite.Subject, tmp_path: Path
) -> None:
    parameters = inspect.signature(promise).parameters
    for damage in DAMAGES if "damage" in parameters else ("",):
        if "loaded" in parameters:
            for version, directory in keywords.versions.items():
                keywords.backend.load(version, directory)
        possible: dict[str, Any] = {
            "subject": keywords,
            "loaded": keywords.backend,
            "tmp_path": tmp_path / damage,
            "damage": damage,
        }
        (tmp_path / damage).mkdir(exist_ok=True)
        promise(**{name: possible[name] for name in parameters})
        for version in keywords.versions:
            keywords.backend.unload(version)


def test_there_are_promises() -> None:
    assert len(PROMISES) >= 10
