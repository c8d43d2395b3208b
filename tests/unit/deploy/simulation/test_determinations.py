import csv
from collections import Counter
from pathlib import Path

import pytest

from deploy.simulation import determinations, write_history
from shared.errors import Rejected
from shared.tasks import get_task

TASK = get_task("independent_review")
HEADER = [*TASK.history.required_columns]


def write(path: Path, header: list[str], rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8-sig") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows([row[column] for column in HEADER] for row in rows)
    return path


def row(number: int, year: int) -> dict[str, str]:
    overturned = number % 3 == 0
    return dict.fromkeys(HEADER, "") | {
        "Reference ID": f"MN-{number}",
        "Report Year": str(year),
        "Diagnosis Category": "Cancer, rare",
        "Determination": f"{'Overturned' if overturned else 'Upheld'} Decision of Health Plan",
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The later year comes first, and has three times as many rows."""
    later, earlier = [row(n, 2012) for n in range(300)], [row(n, 2001) for n in range(300, 400)]
    return write(tmp_path / "imr.csv", HEADER, later + earlier)


def test_a_sample_keeps_the_years_in_order_and_in_proportion(file: Path) -> None:
    cases = list(determinations(file, limit=40))
    years = [case.input.report_year for case in cases]
    assert years == sorted(years)
    assert Counter(years) == {2001: 10, 2012: 30}


def test_zero_gives_all_and_every_row_once(file: Path) -> None:
    cases = list(determinations(file, limit=0))
    assert len({case.input.reference_id for case in cases}) == len(cases) == 400
    assert Counter(case.label for case in cases) == {"APPROVED": 134, "DENIED": 266}


def test_the_seed_decides_the_sample(file: Path) -> None:
    sample = list(determinations(file, limit=40))
    assert sample == list(determinations(file, limit=40))
    assert sample != list(determinations(file, limit=40, seed=1))


def test_the_newer_header_is_read_and_findings_stay_evidence(tmp_path: Path) -> None:
    header = [name.replace(" ", "") for name in HEADER]
    path = write(tmp_path / "new.csv", header, [row(1, 2016)])
    text = path.read_text(encoding="utf-8").splitlines()
    path.write_text(
        f"{text[0]},Findings\n{text[1]},The physician found a need.\n", encoding="utf-8"
    )
    [case] = determinations(path)
    assert case.evidence == {"Findings": "The physician found a need."}
    assert "physician found" not in str(TASK.render(case.input))


def test_a_history_file_gives_back_the_same_cases(file: Path, tmp_path: Path) -> None:
    cases = list(determinations(file))
    write_history(tmp_path / "history.csv", TASK, cases)
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as written:
        read = [TASK.history.read(row) for row in csv.DictReader(written)]
    assert [(c.input, c.label, c.reasoning) for c in read] == [
        (c.input, c.label, c.reasoning) for c in cases
    ]


def test_another_file_is_refused_by_its_missing_column(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("claim_id,policy_id\n1,2\n", encoding="utf-8")
    with pytest.raises(Rejected) as refused:
        list(determinations(tmp_path / "other.csv"))
    assert refused.value.field == "Reference ID"


def test_a_row_without_a_year_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "imr.csv", HEADER, [row(1, 2012) | {"Report Year": "soon"}])
    with pytest.raises(Rejected) as refused:
        list(determinations(path))
    assert refused.value.field == "Report Year"
