"""What make says to somebody who forgot something."""

import subprocess
from pathlib import Path

from deploy.embedded.layout import REPOSITORY


def test_test_engines_says_first_what_is_missing(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    command = ["make", "--no-print-directory", "test-engines", "ENGINES=", f"VENV={venv}"]
    result = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)

    assert result.returncode != 0
    assert result.stdout.startswith("make test-engines ENGINES=folder")
    assert "kafka-up" in result.stdout
    assert not venv.exists()
