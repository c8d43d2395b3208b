"""Cases in passes, and passes side by side."""

import threading
from concurrent.futures import ThreadPoolExecutor
from math import ceil

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shared.models import passes as passes_of
from shared.models.passes import abreast, passes, side_by_side
from tests.support.patience import PATIENCE_SECONDS

pytestmark = pytest.mark.slow  # loads PyTorch

CPU = torch.device("cpu")


@given(
    lengths=st.lists(st.integers(1, 300), min_size=1),
    tokens=st.integers(1, 1000),
    together=st.integers(1, 4),
)
def test_passes_hold_every_case_once_and_keep_their_tokens(
    lengths: list[int], tokens: int, together: int
) -> None:
    found = passes(range(len(lengths)), lengths, tokens=tokens, abreast=together)
    assert sorted(index for part in found for index in part) == list(range(len(lengths)))
    for part in found:
        assert len(part) == 1 or len(part) * max(lengths[index] for index in part) <= tokens
        assert len(part) <= ceil(len(lengths) / together)


def test_two_workers_compute_at_the_same_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes_of, "_THREADS", 2)
    met = threading.Barrier(2, timeout=PATIENCE_SECONDS)

    def work(part: int) -> int:
        met.wait()
        return 10 * part

    assert abreast(CPU) == 2
    assert list(side_by_side(work, [1, 2, 3, 4], device=CPU)) == [10, 20, 30, 40]


def test_what_a_pass_raises_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passes_of, "_THREADS", 2)

    def work(part: int) -> None:
        if part == 2:
            raise MemoryError

    with pytest.raises(MemoryError):
        list(side_by_side(work, [1, 2, 3], device=CPU))


def test_threads_that_start_later_work_side_by_side_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's own number of threads becomes the default of every later thread."""
    monkeypatch.setattr(passes_of, "_THREADS", 2)
    list(side_by_side(abs, [1, 2, 3], device=CPU))
    with ThreadPoolExecutor() as later:
        assert later.submit(abreast, CPU).result() == 2
