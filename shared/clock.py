"""Which clock counts: ours, by UTC. Another's may be a little ahead of it, and no more.

A day of service has come once it has by UTC; in America a day begins some hours later.
"""

from datetime import UTC, date, datetime, timedelta

CLOCK_SKEW = timedelta(minutes=5)  # how far two clocks that are kept may differ


def lies_ahead(moment: datetime, *, now: datetime) -> bool:
    """Whether a moment that somebody else states has not come, by more than clocks differ."""
    return moment > now + CLOCK_SKEW


def utc_day(moment: datetime) -> date:
    """The day of a moment, whatever offset it is written with."""
    return moment.astimezone(UTC).date()
