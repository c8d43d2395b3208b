"""`docs/adding-an-importer.md` followed to the letter: its file reads what it says it reads."""

import re
from pathlib import Path

import orjson
import pytest

from services.dataset_accumulator.importing.importers import READERS, get_reader
from services.dataset_accumulator.importing.importers.rows import (
    HistoryReader,
    Reading,
    Refusal,
    Row,
)
from shared.errors import Rejected
from shared.tasks import TASKS
from tests.support.builders.histories import TODAY, row

GUIDE = Path(__file__).parents[5] / "docs" / "adding-an-importer.md"


@pytest.fixture
def read_jsonl(monkeypatch: pytest.MonkeyPatch) -> HistoryReader:
    [code] = re.findall(r"^```python\n(.*?)^```", GUIDE.read_text(), re.DOTALL | re.MULTILINE)
    module: dict[str, HistoryReader] = {}
    exec(compile(code, str(GUIDE), "exec"), module)
    monkeypatch.setitem(READERS, "jsonl", module["read_jsonl"])
    return get_reader("jsonl")


@pytest.mark.parametrize("block", [1, 7, 10_000])
def test_good_rows_come_in_and_bad_rows_are_refused(read_jsonl: HistoryReader, block: int) -> None:
    lines = [
        orjson.dumps(row(1)),
        b"{no json",
        b"[1]",
        orjson.dumps(row(2, claim_amount="free")),
        orjson.dumps({name: value for name, value in row(3).items() if name != "policy_id"}),
        orjson.dumps(row(4)),
    ]
    content = b"\n".join(lines)
    blocks = [content[start : start + block] for start in range(0, len(content), block)]

    rows = list(read_jsonl(blocks, Reading(TASKS["adjudication"], TODAY)))

    cases = [(r.line, r.claim_id) for r in rows if isinstance(r, Row)]
    assert cases == [(1, "CLM-1"), (6, "CLM-4")]
    assert [(r.line, r.field) for r in rows if isinstance(r, Refusal)] == [
        (2, None),
        (3, None),
        (4, "claim_amount"),
        (5, "policy_id"),
    ]


def test_a_file_without_ends_of_lines_is_refused(read_jsonl: HistoryReader) -> None:
    with pytest.raises(Rejected, match="is this JSON Lines"):
        list(read_jsonl([b"x" * 2**20] * 2, Reading(TASKS["adjudication"], TODAY)))
