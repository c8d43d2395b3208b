"""Reading a CSV file: a stream of bytes in, rows and refusals out, never the file as a whole.

A file that cannot be read at all is `Rejected` with what to do about it. A bad row is refused
with its line, field and reason, never with its content, and reading continues at the next line: a
stray quote costs its own line, not those up to the next quote.
"""

import csv
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence

from services.dataset_accumulator.importing.importers.rows import Reading, Refusal, Row
from shared.errors import Rejected
from shared.tasks.history import column_key

LINE_LIMIT_BYTES = 1024 * 1024
ROW_LIMIT_LINES = 1000

_BOM = b"\xef\xbb\xbf"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_AS_UTF8 = "save the file as UTF-8 (in Excel: CSV UTF-8)"


def read_csv(blocks: Iterable[bytes], reading: Reading) -> Iterator[Row | Refusal]:
    """The rows of a CSV file that arrives in blocks."""
    lines = _Lines(_text_lines(blocks))
    reader = csv.reader(lines, strict=True)
    columns = _header(reader, reading)
    while True:
        line = lines.begin_row()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Refusal(line, None, f"is not CSV: {error}")
            lines.read_again()
            continue
        if cells:
            row = _row(line, cells, columns, reading)
            yield row
            if isinstance(row, Refusal) and len(cells) != len(columns):
                lines.read_again()


class _Lines:
    """The lines of a file one by one, of which those of the present row can be read again."""

    def __init__(self, coming: Iterator[str]) -> None:
        self._coming = coming
        self._again: deque[str] = deque()
        self._row: list[str] = []
        self._characters = 0
        self._next_row = 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self._row) == ROW_LIMIT_LINES or self._characters > LINE_LIMIT_BYTES:
            raise csv.Error("a quote that nothing closes")
        line = self._again.popleft() if self._again else next(self._coming)
        self._row.append(line)
        self._characters += len(line)
        return line

    def begin_row(self) -> int:
        """Forget the last row; the number of the line at which the next one begins."""
        self._next_row += len(self._row)
        self._row, self._characters = [], 0
        return self._next_row

    def read_again(self) -> None:
        """Only the row's first line was bad: the others may be rows of their own."""
        self._again.extendleft(reversed(self._row[1:]))
        del self._row[1:]


def _text_lines(blocks: Iterable[bytes]) -> Iterator[str]:
    """Lines as text. Bytes that are not UTF-8 become surrogates, to be recognized later."""
    rest, first = b"", True
    for block in blocks:
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            yield _text(line + b"\n", first=first)
            first = False
        if len(rest) > LINE_LIMIT_BYTES:
            raise Rejected(f"a line has more than {LINE_LIMIT_BYTES} bytes; is this a CSV file?")
    if rest:
        yield _text(rest, first=first)


def _text(line: bytes, *, first: bool) -> str:
    if first:
        if line.startswith(_UTF16) or b"\0" in line:
            raise Rejected(f"the file is no UTF-8 text; {_AS_UTF8}")
        line = line.removeprefix(_BOM)
    return line.decode("utf-8", "surrogateescape")


def _header(reader: Iterator[list[str]], reading: Reading) -> Sequence[str | None]:
    """For each cell of a row the task's column that it belongs to, None for any other."""
    try:
        names = next(reader)
    except StopIteration:
        raise Rejected("the file is empty") from None
    except csv.Error as error:
        raise Rejected(f"the header is not CSV: {error}") from None
    if not _is_clean(names):
        raise Rejected(f"the header is not UTF-8; {_AS_UTF8}")
    history = reading.task.history
    known = {column_key(column): column for column in history.columns}
    columns = [known.get(column_key(name)) for name in names]
    missing = [column for column in history.required_columns if column not in columns]
    if missing:
        raise Rejected(f"the file lacks {_listed(missing)}{_hint(names)}", field=missing[0])
    for column in known.values():
        if columns.count(column) > 1:
            raise Rejected("stands twice in the header", field=column)
    reading.check_columns(columns)
    return columns


def _listed(columns: Sequence[str]) -> str:
    return f"the column{'s' if len(columns) > 1 else ''} {', '.join(columns)}"


def _hint(names: Sequence[str]) -> str:
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        return "; its columns must be separated by commas"
    return ""


def _row(
    line: int, cells: Sequence[str], columns: Sequence[str | None], reading: Reading
) -> Row | Refusal:
    if len(cells) > len(columns):
        return Refusal(line, None, f"has {len(cells)} cells, the header {len(columns)}")
    row: Mapping[str, str] = {
        column: cell for column, cell in zip(columns, cells, strict=False) if column is not None
    }
    if not _is_clean(cells):
        field = next((column for column, cell in row.items() if not _is_clean([cell])), None)
        return Refusal(line, field, f"has bytes that are no UTF-8 text; {_AS_UTF8}")
    return reading.row(line, row)


def _is_clean(cells: Sequence[str]) -> bool:
    """Whether text is what a database and a prompt can hold."""
    text = "".join(cells)
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
