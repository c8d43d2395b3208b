"""Two processes' worth of the evaluator on one database, empty for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.connected.evaluator.harness import Evaluator, running


@pytest.fixture
async def evaluator(
    engines: dict[str, str], database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Evaluator]:
    for name, value in engines.items():  # the job is a process of its own
        monkeypatch.setenv(name, value)
    async with running(engines, database, tmp_path) as found:
        await found.empty()
        yield found


@pytest.fixture
async def second(
    engines: dict[str, str], database: str, tmp_path: Path, evaluator: Evaluator
) -> AsyncIterator[Evaluator]:
    async with running(engines, database, tmp_path) as found:
        yield found
