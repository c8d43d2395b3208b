"""The rollout that most tests of inference begin with: a champion, and no candidate."""

from pathlib import Path

import pytest

from shared.events import RolloutChanged
from tests.support.builders.events import rollout
from tests.unit.inference.processes import V0, on_disk


@pytest.fixture
def champion_only(tmp_path: Path) -> RolloutChanged:
    return rollout(champion=on_disk(tmp_path, V0))
