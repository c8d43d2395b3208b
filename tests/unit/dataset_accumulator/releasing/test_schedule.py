"""Slots of the schedule, in UTC."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from services.dataset_accumulator.releasing.schedule import Schedule

WEEKLY = Schedule.parse("0 3 * * 0")
SUNDAY = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "slot"),
    [
        (SUNDAY, SUNDAY),
        (SUNDAY + timedelta(microseconds=1), SUNDAY),
        (SUNDAY + timedelta(days=6, hours=23, minutes=59), SUNDAY),
        (SUNDAY - timedelta(microseconds=1), SUNDAY - timedelta(days=7)),
        (SUNDAY + timedelta(days=24), SUNDAY + timedelta(days=21)),
    ],
)
def test_the_latest_slot_is_not_after_now(now: datetime, slot: datetime) -> None:
    assert WEEKLY.latest(now) == slot


def test_the_following_slot_is_after_now() -> None:
    assert WEEKLY.following(SUNDAY) == SUNDAY + timedelta(days=7)
    assert WEEKLY.following(SUNDAY - timedelta(seconds=1)) == SUNDAY


def test_slots_are_utc_wherever_the_clock_stands() -> None:
    early_in_paris = datetime(2026, 3, 1, 3, 30, tzinfo=timezone(timedelta(hours=1)))

    assert WEEKLY.latest(early_in_paris) == SUNDAY - timedelta(days=7)


@pytest.mark.parametrize(
    "text", ["", "weekly", "0 3 * *", "61 3 * * 0", "0 0 3 * * 0", "0 0 30 2 *"]
)
def test_an_unreadable_schedule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RELEASE_SCHEDULE"):
        Schedule.parse(text)
