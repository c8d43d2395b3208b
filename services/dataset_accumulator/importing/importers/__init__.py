"""Every format of history files that can be imported. `READERS` is the whole list."""

from services.dataset_accumulator.importing.importers.csv import read_csv
from services.dataset_accumulator.importing.importers.rows import HistoryReader
from shared.errors import Rejected

READERS: dict[str, HistoryReader] = {"csv": read_csv}


def get_reader(file_format: str) -> HistoryReader:
    """The reader of that format; `Rejected` lists those that exist."""
    try:
        return READERS[file_format]
    except KeyError:
        known = ", ".join(sorted(READERS))
        raise Rejected(f"no format {file_format!r}; formats are {known}", field="format") from None
