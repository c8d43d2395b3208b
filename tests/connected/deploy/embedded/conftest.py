"""One stack of engines for this folder's tests: they kill and restart it, so it is their own."""

from collections.abc import Iterator

import pytest

from deploy.embedded.stack import EmbeddedStack
from tests.support.engines.lifecycle import temporary_home


@pytest.fixture(scope="package")
def stack() -> Iterator[EmbeddedStack]:
    with temporary_home() as home, EmbeddedStack(home, services=(), ports="free") as running:
        yield running
