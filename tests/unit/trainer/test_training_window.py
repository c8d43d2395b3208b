"""The hours in which training may begin."""

from datetime import UTC, datetime

import pytest

from services.trainer.training_window import TrainingWindow


@pytest.mark.parametrize(
    ("text", "hour", "is_open"),
    [
        ("02:00-06:00", 1, False),
        ("02:00-06:00", 2, True),
        ("02:00–06:00", 5, True),
        ("02:00-06:00", 6, False),
        ("22:00-04:00", 23, True),
        ("22:00-04:00", 3, True),
        ("22:00-04:00", 12, False),
        ("", 12, True),
    ],
)
def test_window(text: str, hour: int, is_open: bool) -> None:
    moment = datetime(2026, 1, 1, hour, 0, tzinfo=UTC)

    assert TrainingWindow.parse(text).is_open(moment) is is_open


@pytest.mark.parametrize("text", ["2-6", "02:00", "25:00-26:00", "night"])
def test_an_unreadable_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"TRAINING_WINDOW|hour"):
        TrainingWindow.parse(text)
