"""Times and spans as people read them: how long ago, with the exact time behind it."""

from datetime import UTC, datetime, timedelta

from markupsafe import Markup


def waited(time: timedelta) -> str:
    """A span as people say it: 40 s, 12 min, 3 h, 3 h 5 min, 2 d 4 h."""
    seconds = max(int(time.total_seconds()), 0)
    if seconds < 60:
        return f"{seconds} s"
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if hours < 1:
        return f"{minutes} min"
    if days < 1:
        return _parts((hours, "h"), (minutes % 60, "min"))
    return _parts((days, "d"), (hours % 24, "h"))


def ago(at: datetime, *, now: datetime) -> Markup:
    """`12 min ago`, or `in 3 h 5 min`."""
    passed = now - at
    if abs(passed) < timedelta(seconds=1):
        return _time(at, "just now")
    return _time(at, f"{waited(passed)} ago" if passed > timedelta(0) else f"in {waited(-passed)}")


def since(at: datetime, *, now: datetime) -> Markup:
    """How long something lasts by now: `12 min`."""
    return _time(at, waited(now - at))


def exactly(at: datetime) -> Markup:
    """To the second, in UTC: for who must know when."""
    return _time(at, f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}")


def duration(seconds: float) -> str:
    """As people work: `42 s`, `3 min 5 s`, `1 h 12 min`."""
    if seconds < 60 or seconds >= 3600:
        return waited(timedelta(seconds=seconds))
    return _parts((int(seconds) // 60, "min"), (int(seconds) % 60, "s"))


def _parts(*parts: tuple[int, str]) -> str:
    return " ".join(f"{number} {unit}" for number, unit in parts if number)


def _time(at: datetime, text: str) -> Markup:
    exact = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        exact.isoformat(timespec="milliseconds"), f"{exact:%-d %B %Y, %H:%M:%S} UTC", text
    )
