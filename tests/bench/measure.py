"""How a measure is taken: both sides in turn in one run, the median of each."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from statistics import median

Side = Callable[[], Awaitable[float]]


@dataclass(frozen=True)
class Measure:
    """A result. `ratio` is what the measure promises something about: ours to baseline."""

    name: str
    ours: float
    baseline: float | None
    unit: str

    @property
    def ratio(self) -> float | None:
        return None if not self.baseline else self.ours / self.baseline

    def line(self) -> str:
        found = {
            "bench": self.name,
            "ours": _rounded(self.ours),
            "baseline": _rounded(self.baseline),
            "unit": self.unit,
            "ratio": _rounded(self.ratio),
        }
        return json.dumps(found)


async def interleaved(name: str, unit: str, *, ours: Side, baseline: Side, rounds: int) -> Measure:
    """Take both sides in turn, so that a slow minute of the machine slows both."""
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        found[0].append(await ours())
        found[1].append(await baseline())
    return Measure(name, median(found[0]), median(found[1]), unit)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.4g}")
