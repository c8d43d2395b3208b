import pytest

from services.dataset_accumulator.importing.importers import READERS, get_reader
from services.dataset_accumulator.importing.importers.csv import read_csv
from shared.errors import Rejected


def test_a_reader_is_found_by_its_format_only() -> None:
    assert get_reader("csv") is read_csv
    with pytest.raises(Rejected, match="formats are csv") as refused:
        get_reader("punch cards")
    assert refused.value.field == "format"


@pytest.mark.parametrize("name", READERS)
def test_a_format_is_named_as_a_query_writes_it(name: str) -> None:
    assert name == name.lower().strip()
