"""Browser tests are tried twice and named; every other test is tried once."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.embedded.layout import REPOSITORY

TESTS = '''
from pathlib import Path

import pytest


@pytest.fixture
def tries(request):
    """How often the test was set up, this time included."""
    file = Path(__file__).with_name(request.node.name)
    file.write_text((file.read_text() if file.exists() else "") + "x")
    return len(file.read_text())


@pytest.fixture
def page(tries):
    yield tries
    assert tries != 1, "the page complained"


@pytest.mark.browser
def test_steady(tries):
    assert tries == 1


@pytest.mark.browser
def test_unsteady(tries):
    assert tries == 2


@pytest.mark.browser
def test_page_that_complains_once(page):
    pass


@pytest.mark.browser
def test_broken(tries):
    assert tries > 2, "broken"


def test_unsteady_without_a_browser(tries):
    assert tries == 2
'''


@pytest.mark.parametrize("workers", [(), ("-p", "xdist", "-n", "2")], ids=["one", "two workers"])
def test_browser_tests_are_tried_twice_and_named(tmp_path: Path, workers: tuple[str, ...]) -> None:
    (tmp_path / "test_it.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = browser: in a browser\n")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.second_tries", *workers],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "2 failed, 3 passed" in result.stdout, result.stdout
    tries = {
        file.name: len(file.read_text()) for file in tmp_path.glob("test_*") if not file.suffix
    }
    assert tries == {
        "test_steady": 1,
        "test_unsteady": 2,
        "test_page_that_complains_once": 2,
        "test_broken": 2,
        "test_unsteady_without_a_browser": 1,
    }
    said = [line for line in result.stdout.splitlines() if " tr" in line and "test_it.py" in line]
    assert said == [
        "failed at both tries: test_it.py::test_broken: AssertionError: broken",
        "passed at the second try: test_it.py::test_page_that_complains_once: "
        "AssertionError: the page complained",
        "passed at the second try: test_it.py::test_unsteady: assert 1 == 2",
    ]
