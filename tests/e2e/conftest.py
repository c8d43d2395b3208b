"""The demonstration with scikit-learn, for every test that needs a system that has worked."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from tests.support.demonstration import Demonstration, demonstration


@pytest.fixture(scope="session")
def linear() -> Iterator[tuple[Demonstration, Mapping[str, Any]]]:
    """The demonstration with scikit-learn, played once, and what it said."""
    with demonstration() as found:
        yield found, found.play("--strategy", "linear", seconds=600)
