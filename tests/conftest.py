"""What every test can ask for: the engines, started once a run, and an empty database."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator

import pytest
from hypothesis import settings

from tests.support import draw_key
from tests.support.browser.chromium import chromium
from tests.support.engines.lifecycle import fresh_database, running_engines

os.environ["DRAW_KEY"] = draw_key.TEXT  # every deployment has one

pytest_plugins = ["tests.support.second_tries"]

# A busy machine is no failure: speed is measured in `make bench`. Nor does a run depend on what is
# drawn in it: `pytest --hypothesis-profile=exploring` draws anew.
settings.register_profile("exploring", deadline=None)
settings.register_profile("caseloop", deadline=None, derandomize=True)
settings.load_profile("caseloop")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The longest first, or one worker would end long after the other. Without a Chromium, or a
    node, the tests that need one are deselected, and the run says so."""
    items.sort(key=lambda item: "e2e" not in item.path.parts)
    if chromium() is None:
        _deselect("browser", "no Chromium; name one in CHROMIUM", config=config, items=items)
    if shutil.which("node") is None:
        _deselect("node", "no node on the path", config=config, items=items)


def _deselect(marker: str, why: str, *, config: pytest.Config, items: list[pytest.Item]) -> None:
    wanting = [item for item in items if item.get_closest_marker(marker)]
    if wanting:
        config.hook.pytest_deselected(items=wanting)
        items[:] = [item for item in items if item not in wanting]
        warning = pytest.PytestWarning(f"{len(wanting)} {marker} tests deselected: {why}")
        config.issue_config_time_warning(warning, stacklevel=2)


@pytest.fixture(scope="session")
def engines() -> Iterator[dict[str, str]]:
    """The engines' settings, by the names that the services read (`KAFKA_BOOTSTRAP`, …)."""
    with running_engines() as environment:
        yield environment


@pytest.fixture(scope="module")
async def database(engines: dict[str, str]) -> AsyncIterator[str]:
    """The URL of an empty database of the module's own."""
    async with fresh_database(engines["DATABASE_URL"]) as url:
        yield url
