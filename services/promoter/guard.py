"""What a stage has seen of the watched version, and when that is bad enough to go back.

The guard looks for faults that no evaluation can see: a version that does not load, answers
nonsense, or accepts quite another share of the live cases than of the held-out ones.
"""

from dataclasses import dataclass
from math import sqrt


@dataclass(frozen=True)
class StageCounts:
    """Sums over the cases of one stage. `cases` are those that count towards its end."""

    cases: int = 0
    scored: int = 0
    failed: int = 0
    label_mass: float = 0.0
    accepted: int = 0  # scored cases that the version alone would have accepted

    def __add__(self, other: "StageCounts") -> "StageCounts":
        return StageCounts(
            cases=self.cases + other.cases,
            scored=self.scored + other.scored,
            failed=self.failed + other.failed,
            label_mass=self.label_mass + other.label_mass,
            accepted=self.accepted + other.accepted,
        )

    @property
    def seen(self) -> int:
        return self.scored + self.failed


@dataclass(frozen=True)
class Guard:
    """Limits. They are applied from `cases` on, or at a stage's end if that comes earlier."""

    cases: int
    failed_share: float
    label_mass: float
    accept_deviation: float

    def fault(self, counts: StageCounts, *, promised: float, unanswered: float = 0.0) -> str | None:
        """What is wrong, in words. `promised` is the accepted share of the evaluation, `unanswered`
        the share of the cases that may fail for their own sake."""
        if counts.failed > (self.failed_share + unanswered) * counts.seen:
            return f"failed on {counts.failed} of {counts.seen} cases"
        if counts.scored == 0:
            return None
        mass = counts.label_mass / counts.scored
        if mass < self.label_mass:
            return f"its labels have a mean mass of {mass:.2f}, below {self.label_mass:.2f}"
        share = counts.accepted / counts.scored
        # Two standard errors of a share are at most 1 / sqrt(n): few cases prove little.
        if abs(share - promised) > self.accept_deviation + 1 / sqrt(counts.scored):
            return f"would accept {share:.0%} of the cases; its evaluation promised {promised:.0%}"
        return None
