"""The demonstration with scikit-learn, for every test that needs a system that has worked."""

from collections.abc import Iterator

import pytest

from tests.support.demonstration import Played, demonstration


@pytest.fixture(scope="session")
def linear() -> Iterator[Played]:
    """Played twice before any test: those may do with the system what they like."""
    with demonstration() as system:
        first = system.play("--strategy", "linear", seconds=600)
        yield Played(system, first, again=system.play("--strategy", "linear", seconds=120))
