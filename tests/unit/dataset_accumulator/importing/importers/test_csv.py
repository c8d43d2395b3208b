"""Good rows come in, bad ones are refused with line, field and reason; never with their content."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dataset_accumulator.importing.importers.csv import ROW_LIMIT_LINES, read_csv
from services.dataset_accumulator.importing.importers.rows import Reading, Refusal, Row
from shared.errors import Rejected
from shared.tasks import TASKS
from tests.support.builders.histories import ROW, TODAY, csv_file, row

TASK = TASKS["adjudication"]


def read(
    content: bytes, *, block: int = 1 << 16, task: str = "adjudication", **stated: Any
) -> list[Row | Refusal]:
    blocks = (content[start : start + block] for start in range(0, len(content), block))
    return list(read_csv(blocks, Reading(TASKS[task], TODAY, **stated)))


def test_rows_become_cases() -> None:
    found = read(csv_file([row(1), row(2, final_decision="denied")]))

    assert [(r.line, r.claim_id, r.case.label) for r in found if isinstance(r, Row)] == [
        (2, "CLM-1", "APPROVED"),
        (3, "CLM-2", "DENIED"),
    ]
    assert isinstance(found[0], Row)
    assert found[0].case.evidence == {"medical_analysis": ROW["medical_analysis"]}


@given(size=st.integers(1, 60))
def test_it_does_not_matter_how_the_file_is_cut(size: int) -> None:
    rows = [row(1, clinical_note='Zwei Zeilen:\n"müde", schwindlig'), row(2, claim_amount="x")]
    content = csv_file(rows)

    assert read(content, block=size) == read(content)


def test_refusals_name_line_field_and_reason_and_never_the_content() -> None:
    rows = [
        row(1, clinical_note="two\nlines"),
        row(2, diagnosis_codes="SECRET1"),
        row(3, final_decision="SECRET2"),
        row(4, claim_amount="SECRET3"),
        row(5, service_date="SECRET4"),
        row(6),
    ]

    found = read(csv_file(rows))

    refused = [r for r in found if isinstance(r, Refusal)]
    assert [(r.line, r.field) for r in refused] == [
        (4, "diagnosis_codes"),
        (5, "final_decision"),
        (6, "claim_amount"),
        (7, "service_date"),
    ]
    assert not any("SECRET" in f"{r.why}{r.field}" for r in refused)
    assert [r.claim_id for r in found if isinstance(r, Row)] == ["CLM-1", "CLM-6"]


@pytest.mark.parametrize(
    ("day", "refused"), [(TODAY, []), (TODAY + timedelta(days=1), [(2, "service_date")])]
)
def test_nobody_has_decided_a_claim_of_a_day_that_has_not_come(
    day: date, refused: list[tuple[int, str]]
) -> None:
    found = read(csv_file([row(1, service_date=day.isoformat()), row(2)]))
    assert [(r.line, r.field) for r in found if isinstance(r, Refusal)] == refused
    assert "CLM-2" in [r.claim_id for r in found if isinstance(r, Row)]


@pytest.mark.parametrize("bom", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_utf8_with_and_without_byte_order_mark(bom: bytes, newline: bytes) -> None:
    content = csv_file([row(1, clinical_note="müde")]).replace(b"\r\n", newline)

    (found,) = read(bom + content)

    assert isinstance(found, Row)
    assert found.case.input.model_dump()["clinical_note"] == "müde"


def test_a_wrong_byte_refuses_its_row_only() -> None:
    content = csv_file([row(1), row(2, clinical_note="müde"), row(3)])

    found = read(content.replace("ü".encode(), "ü".encode("latin-1")))

    assert [type(r) for r in found] == [Row, Refusal, Row]
    assert isinstance(found[1], Refusal)
    assert (found[1].line, found[1].field) == (3, "clinical_note")
    assert "UTF-8" in found[1].why


def test_a_null_character_refuses_its_row() -> None:
    found = read(csv_file([row(1, adjudication_decision="a\0b"), row(2)]))

    assert [type(r) for r in found] == [Refusal, Row]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "is empty"),
        (csv_file([row(1)]).decode().encode("utf-16"), "save the file as UTF-8"),
        (csv_file([row(1)]).decode().encode("utf-16-be"), "save the file as UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00\n\x00", "save the file as UTF-8"),
        (b"claim_id,m\xfcde\n", "save the file as UTF-8"),
        (csv_file([row(1)]).replace(b",", b";"), "separated by commas"),
        (b"x" * (3 << 20), "is this a CSV file"),
        (b'claim_id,"pol', "the header is not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_what_to_do(content: bytes, why: str) -> None:
    with pytest.raises(Rejected, match=why):
        read(content)


def test_missing_columns_are_named() -> None:
    columns = [name for name in ROW if name not in ("final_decision", "policy_id")]

    with pytest.raises(Rejected, match="lacks the columns policy_id, final_decision") as refused:
        read(csv_file([row(1)], columns=columns))

    assert refused.value.field == "policy_id"


def test_a_column_that_stands_twice_is_refused() -> None:
    with pytest.raises(Rejected, match="stands twice"):
        read(csv_file([row(1)]).replace(b"member_id", b"Claim ID"))


def test_columns_are_known_by_their_letters_and_others_are_ignored() -> None:
    content = csv_file([{**row(1), "extra": "x"}], columns=[*ROW, "extra"])

    (found,) = read(content.replace(b"claim_id", b" Claim ID").replace(b"policy_id", b"PolicyId"))

    assert isinstance(found, Row)
    assert found.claim_id == "CLM-1"


def test_rows_of_another_length() -> None:
    content = csv_file([row(1)]) + b"a,b\r\n\r\n" + b"," * len(ROW) + b"\r\n"

    short, long = (r for r in read(content) if isinstance(r, Refusal))

    assert (short.line, short.why) == (3, "the column is missing in this row")
    assert (long.line, long.why) == (5, f"has {len(ROW) + 1} cells, the header {len(ROW)}")


@pytest.mark.parametrize("note", ["tired", "tired, dizzy", 'of "flu"', '""', "x" * 2000])
@pytest.mark.parametrize("place", [b"", b"CLM-2,"])
def test_a_stray_quote_costs_its_own_line(note: str, place: bytes) -> None:
    rows = [row(number, clinical_note=note) for number in range(1, 300)]
    header, first, second, *others = csv_file(rows).splitlines(keepends=True)

    found = read(b"".join([header, first, second.replace(place, place + b'"', 1), *others]))

    read_on = [f"CLM-{number}" for number in range(3, 300)]
    assert [r.claim_id for r in found if isinstance(r, Row)] == ["CLM-1", *read_on]
    assert [r.line for r in found if isinstance(r, Refusal)] == [3]


def test_two_stray_quotes_cost_their_own_lines_and_not_those_between() -> None:
    rows = [row(number, clinical_note="tired") for number in range(1, 7)]
    header, *lines = csv_file(rows).splitlines(keepends=True)
    lines[1] = lines[1].replace(b",tired", b',"tired')
    lines[4] = lines[4].replace(b",2026", b'",2026')

    found = read(header + b"".join(lines))

    assert [r.claim_id for r in found if isinstance(r, Row)] == ["CLM-1", "CLM-3", "CLM-4", "CLM-6"]
    assert [r.line for r in found if isinstance(r, Refusal)] == [3, 6]


def test_lines_are_counted_rightly_after_a_stray_quote() -> None:
    rows = [row(1, clinical_note="two\nlines"), row(2), row(3, clinical_note="a\n\nb"), row(4)]
    first, _, after = csv_file(rows).partition(b"CLM-2")

    found = read(first + b'"CLM-2' + after)

    assert [(type(r), r.line) for r in found] == [(Row, 2), (Refusal, 4), (Row, 5), (Row, 8)]


def test_a_row_that_never_ends_is_not_kept() -> None:
    """Quotes that close and open again on every line: one row, as long as the file."""
    endless = b'",x","\n' * 3 * ROW_LIMIT_LINES

    found = read(csv_file([row(1)]) + endless + csv_file([row(2)]).splitlines()[1])

    assert [r.line for r in found if isinstance(r, Row)] == [2, 3 * ROW_LIMIT_LINES + 3]
    assert len(found) == 3 * ROW_LIMIT_LINES + 2


def test_a_huge_cell_costs_its_row_and_reading_goes_on() -> None:
    found = read(csv_file([row(1, clinical_note="x" * 200_000), row(2)]))

    assert [(type(r), r.line) for r in found] == [(Refusal, 2), (Row, 3)]


def test_the_file_is_read_while_it_comes() -> None:
    """The first rows are there before the rest of the file is."""
    content = csv_file([row(number) for number in range(100)])
    taken = 0

    def blocks() -> Iterator[bytes]:
        nonlocal taken
        for start in range(0, len(content), 1000):
            taken += 1
            yield content[start : start + 1000]

    next(read_csv(blocks(), Reading(TASK, TODAY)))

    assert taken == 1


def test_determinations_of_the_state_in_both_spellings_of_their_header() -> None:
    header = (
        "Reference ID,Report Year,Diagnosis Category,Diagnosis Sub Category,Treatment Category,"
        "Treatment Sub Category,Determination,Type,Age Range,Patient Gender"
    )
    line = "\nEI01-296,2001,Cancer,Other,,,Upheld Decision of Health Plan,Experimental,21-30,\n"

    for written in (header, header.replace(" ", "")):
        (found,) = read((written + line).encode(), task="independent_review", decided_by="human")
        assert isinstance(found, Row)
        assert (found.claim_id, found.case.label) == ("EI01-296", "DENIED")


WITHOUT = [name for name in ROW if name != "decided_by"]


def test_who_decided_is_never_assumed() -> None:
    """A file that does not say it is refused as a whole, with both ways to say it."""
    content = csv_file([row(1)], columns=WITHOUT)

    with pytest.raises(Rejected, match=r"add a column decided_by .* --decided-by human") as refused:
        read(content)

    assert refused.value.field == "decided_by"
    (stated,) = read(content, decided_by="human")
    assert isinstance(stated, Row)


def test_only_what_a_person_decided_comes_in() -> None:
    deciders = ["human", "Model", "auto", "", "me", " HUMAN "]
    rows = [row(number, decided_by=decider) for number, decider in enumerate(deciders)]

    unstated, stated = read(csv_file(rows)), read(csv_file(rows), decided_by="human")

    assert [r.claim_id for r in unstated if isinstance(r, Row)] == ["CLM-0", "CLM-5"]
    assert [r.claim_id for r in stated if isinstance(r, Row)] == ["CLM-0", "CLM-3", "CLM-5"]
    refused = {r.line: r for r in unstated if isinstance(r, Refusal)}
    assert {r.field for r in refused.values()} == {"decided_by"}
    assert [refused[line].why.split(":")[0] for line in (3, 4, 5, 6)] == [
        "no person decided it, and only that is a label",
        "no person decided it, and only that is a label",
        "must say who decided",
        "must be human, model or auto",
    ]


@pytest.mark.parametrize("decimal", [None, ".", ","])
def test_amounts_are_read_by_the_stated_decimal_mark(decimal: Any) -> None:
    rows = [row(1, claim_amount="118,50"), row(2, claim_amount="118.50")]

    comma, period = read(csv_file(rows), decimal=decimal)

    assert isinstance(comma, Row) == (decimal == ",")
    assert isinstance(period, Row) == (decimal != ",")
    for found in (comma, period):
        if isinstance(found, Row):
            assert found.case.input.model_dump(mode="json")["billed_amount"] == "118.50"
        else:
            assert found.field == "claim_amount"
