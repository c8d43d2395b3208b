"""The hours in which training may begin. Their end stops no run; a killed one waits for them."""

import re
from dataclasses import dataclass
from datetime import datetime, time

_FORM = re.compile(r"^(\d\d:\d\d)\s*[-–]\s*(\d\d:\d\d)$")


@dataclass(frozen=True)
class TrainingWindow:
    """From `opens` to `closes`, UTC; past midnight if it closes earlier than it opens."""

    opens: time
    closes: time

    @classmethod
    def parse(cls, text: str) -> "TrainingWindow":
        """A window from 02:00-06:00; the empty text is the whole day."""
        if not text.strip():
            return cls(time.min, time.min)
        match = _FORM.match(text.strip())
        if match is None:
            raise ValueError(f"TRAINING_WINDOW must look like 02:00-06:00, not {text!r}")
        opens, closes = (time.fromisoformat(part) for part in match.groups())
        return cls(opens, closes)

    def is_open(self, moment: datetime) -> bool:
        """Whether training may begin at `moment` (UTC)."""
        now = moment.time()
        if self.opens < self.closes:
            return self.opens <= now < self.closes
        return now >= self.opens or now < self.closes
