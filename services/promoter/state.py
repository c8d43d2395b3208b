"""What is known of a task's rollout, and how a change of it is reported. Plain frozen values.

`revision` counts what others can see; a change that only reorders who waits keeps it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from services.promoter.guard import Guard
from shared.events import ModelEvaluated, RolloutChanged, ServedModel, Stage

VersionState = Literal[
    "queued",  # passed; waits until the running rollout is over
    "held",  # inconclusive; an operator can promote it
    "refused",  # failed its evaluation
    "outdated",  # was compared with another champion than the present one; evaluated again
    "superseded",  # a newer version took its place
    "shadow",
    "canary",
    "champion",
    "retired",  # was champion until a better one came
    "rolled_back",  # taken out by the guard or by an operator; comes back only by hand
]
Order = Literal["paused", "resumed", "stopped", "started", "settled", "restated"]


@dataclass(frozen=True)
class Version:
    """A model with its threshold, and what its evaluation against `against` promised."""

    served: ServedModel
    against: str | None
    accept_rate: float
    unanswered_share: float = 0.0

    @classmethod
    def of(cls, evaluation: ModelEvaluated) -> "Version":
        measures = evaluation.candidate_measures
        return cls(
            ServedModel(model=evaluation.model, threshold=evaluation.threshold),
            evaluation.champion,
            measures.auto_accept_rate if measures else 0.0,
            measures.unanswered_share if measures else 0.0,
        )

    @property
    def name(self) -> str:
        return self.served.version


def name_of(version: Version | None) -> str | None:
    return version.name if version else None


@dataclass(frozen=True)
class StageLimit:
    """A stage is over once it has had both."""

    cases: int
    seconds: float


@dataclass(frozen=True)
class RolloutLimits:
    shadow: StageLimit
    canary: StageLimit
    full: StageLimit
    share: float  # of the groups that the candidate answers in canary
    guard: Guard

    def of(self, stage: Stage) -> StageLimit:
        return {"shadow": self.shadow, "canary": self.canary, "full": self.full}[stage]


@dataclass(frozen=True)
class Rollout:
    """Everything known of a task's rollout. `revision` counts what others can see of it."""

    task: str
    revision: int = 0
    number: int = 0
    champion: Version | None = None
    candidate: Version | None = None
    last_good: Version | None = None
    queued: Version | None = None  # passed, and begins once nothing else runs
    stage: Stage | None = None
    stage_since: datetime | None = None
    stage_revision: int = 0  # predictions of this revision and later belong to the stage
    share: float = 0.0
    watching: bool = False  # a fresh champion is still under the guard
    stopped: bool = False
    paused: bool = False
    restored_at: datetime | None = None  # nobody knows what became of what was evaluated before

    @property
    def rollout_id(self) -> str:
        return f"{self.task}-rollout-{self.number}"

    @property
    def serving(self) -> "tuple[Version | None, Version | None, Version | None]":
        """Champion, candidate and last good version, as others see them."""
        return self.champion, self.candidate, self.last_good

    @property
    def watched(self) -> Version | None:
        """The version whose cases count: the candidate, or a champion still under watch."""
        return self.candidate or (self.champion if self.watching else None)

    @property
    def unanswered_share(self) -> float:
        """How many of its cases the watched version may leave unscored: alone, as many as in its
        evaluation. Beside another version, what neither can score is not counted at all."""
        watched, alone = self.watched, self.candidate is None and self.last_good is None
        return watched.unanswered_share if watched is not None and alone else 0.0


@dataclass(frozen=True)
class Transition:
    """One line of the history. With a version, `what` is that version's new state."""

    what: VersionState | Order
    who: str
    why: str
    version: str | None = None


@dataclass(frozen=True)
class Change:
    """The state afterwards, and what led there; without transitions it is the same state."""

    rollout: Rollout
    transitions: tuple[Transition, ...] = ()

    def then(self, step: Callable[[Rollout], "Change"]) -> "Change":
        after = step(self.rollout)
        return Change(after.rollout, self.transitions + after.transitions)


def event_of(change: Change, *, at: datetime) -> RolloutChanged:
    """The state as others see it, told by its last transition."""
    rollout, last = change.rollout, change.transitions[-1]
    return RolloutChanged(
        occurred_at=at,
        task=rollout.task,
        rollout_id=rollout.rollout_id,
        revision=rollout.revision,
        champion=served_of(rollout.champion),
        candidate=served_of(rollout.candidate),
        last_good=served_of(rollout.last_good),
        stage=rollout.stage,
        share=rollout.share,
        stopped=rollout.stopped,
        paused=rollout.paused,
        changed_by=last.who,
        why=last.why,
    )


def number_of(rollout_id: str, *, task: str) -> int:
    """The number of a task's rollout; 0 if it is none."""
    number = rollout_id.removeprefix(f"{task}-rollout-")
    return int(number) if number.isdecimal() else 0


def served_of(version: Version | None) -> ServedModel | None:
    return version.served if version else None
