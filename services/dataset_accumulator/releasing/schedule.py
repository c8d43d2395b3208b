"""When releases are due by the calendar. A slot that was missed counts once, however many were."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cronsim import CronSim, CronSimError


@dataclass(frozen=True)
class Schedule:
    """A cron expression of five fields, in UTC."""

    expression: str

    @classmethod
    def parse(cls, text: str) -> "Schedule":
        """`ValueError` says what is wrong with the expression."""
        try:
            CronSim(text, datetime(2000, 1, 1, tzinfo=UTC))
        except CronSimError as error:
            raise ValueError(f"RELEASE_SCHEDULE {text!r} is no cron expression: {error}") from None
        if len(text.split()) != 5:
            raise ValueError(f"RELEASE_SCHEDULE must have five fields (0 3 * * 0), not {text!r}")
        return cls(text)

    def latest(self, now: datetime) -> datetime:
        """The newest slot that is not after `now`."""
        moment = now.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)
        slot: datetime = next(CronSim(self.expression, moment, reverse=True))
        return slot

    def following(self, now: datetime) -> datetime:
        """The first slot after `now`."""
        slot: datetime = next(CronSim(self.expression, now.astimezone(UTC)))
        return slot
