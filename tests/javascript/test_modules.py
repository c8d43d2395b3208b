"""The unit tests of the pages' JavaScript, which run in node without a browser."""

import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent


@pytest.mark.node
def test_the_modules_pass_their_own_tests() -> None:
    files = sorted(FOLDER.glob("*.test.js"))

    finished = subprocess.run(["node", "--test", *files], capture_output=True, text=True)

    assert files
    assert finished.returncode == 0, finished.stdout + finished.stderr
