import csv
from pathlib import Path

import typer
from typer.testing import CliRunner

from deploy.simulation.__main__ import main


def run(*arguments: str, code: int = 0) -> str:
    command = typer.Typer()
    command.command()(main)
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == code, result.output
    return result.output


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_a_history_file_is_written(tmp_path: Path) -> None:
    out = tmp_path / "history.csv"
    said = run("--claims", "20", "--seed", "2", "--start", "5", "--out", str(out))
    assert "20 cases" in said
    assert rows(out)[0]["claim_id"] == "S2-0000005"
    assert len(rows(out)) == 20


def test_a_drift_can_be_switched_on(tmp_path: Path) -> None:
    plain, drifting = tmp_path / "plain.csv", tmp_path / "drifting.csv"
    run("--claims", "60", "--out", str(plain))
    run(
        *("--claims", "60", "--out", str(drifting)),
        *("--bulletin", "physical_therapy", "--drift-from", "30"),
    )
    assert rows(plain)[:30] == rows(drifting)[:30]
    assert "Physical therapy is no longer paid." in drifting.read_text(encoding="utf-8")


def test_a_file_that_cannot_be_read_is_one_line(tmp_path: Path) -> None:
    spreadsheet = tmp_path / "imr.xls"
    spreadsheet.write_bytes(b"\xd0\xcf\x11\xe0")
    out = ("--out", str(tmp_path / "out.csv"))

    said = run(*out, "--from-file", str(spreadsheet), code=1)
    missing = run(*out, "--from-file", str(tmp_path / "missing.csv"), code=1)

    assert said == f"{spreadsheet} is not a CSV file in UTF-8\n"
    assert missing.endswith("missing.csv'\n")
    assert len(missing.splitlines()) == 1
