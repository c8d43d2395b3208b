from datetime import datetime, timedelta, timezone

import pytest

from services.review_queue.web.views.time_format import ago, duration, exactly, since, waited
from tests.support.builders.events import NOW


@pytest.mark.parametrize(
    ("passed", "text"),
    [
        (timedelta(0), "just now"),
        (timedelta(seconds=12), "12 s ago"),
        (timedelta(hours=3, minutes=5), "3 h 5 min ago"),
        (-timedelta(minutes=4), "in 4 min"),
    ],
)
def test_a_time_is_told_from_now_with_the_exact_one_behind(passed: timedelta, text: str) -> None:
    shown = ago(NOW, now=NOW + passed)

    assert shown == (
        '<time datetime="2026-03-02T12:00:00.000+00:00" title="2 March 2026, 12:00:00 UTC">'
        f"{text}</time>"
    )


def test_how_long_something_lasts() -> None:
    assert ">2 d 4 h<" in since(NOW, now=NOW + timedelta(hours=52))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (42, "42 s"), (185.9, "3 min 5 s"), (4320, "1 h 12 min")],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (86400, "1 d"),
        (187200, "2 d 4 h"),
    ],
)
def test_waiting_is_said_as_people_say_it(seconds: int, text: str) -> None:
    assert waited(timedelta(seconds=seconds)) == text


def test_who_must_know_when_reads_it_to_the_second() -> None:
    at = datetime(2026, 3, 2, 13, 5, 9, tzinfo=timezone(timedelta(hours=1)))
    assert ">2026-03-02 12:05:09</time>" in exactly(at)
