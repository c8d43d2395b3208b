"""What a killed supervisor left behind is ended, also what ends by itself at that moment."""

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from deploy.embedded import orphans
from deploy.embedded.layout import Layout
from tests.support.patience import PATIENCE_SECONDS


class EndsOnceFound(psutil.Process):
    """A process that is gone as soon as somebody has looked at it."""

    def environ(self) -> dict[str, str]:
        found: dict[str, str] = super().environ()
        super().kill()
        self.wait(PATIENCE_SECONDS)
        return found


def test_a_process_that_ends_while_it_is_looked_for_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layout = Layout(tmp_path)
    environment = {**os.environ, **orphans.mark(layout)}
    children = [
        subprocess.Popen([sys.executable, "-c", "input()"], env=environment, stdin=subprocess.PIPE)
        for _ in range(2)
    ]
    first, second = children
    found = [EndsOnceFound(first.pid), psutil.Process(second.pid)]
    monkeypatch.setattr(psutil, "process_iter", lambda: iter(found))

    orphans.kill(layout)

    assert [psutil.pid_exists(child.pid) for child in children] == [False, False]
    for child in children:
        child.communicate()
