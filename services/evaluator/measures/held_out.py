"""Held-out cases and what a version answers to them, as arrays of n cases and k labels.

Labels come from routed cases, a biased sample: every sum is weighted by 1/inclusion probability,
so that it speaks of all cases.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from shared.acceptance import may_stand
from shared.storage.datasets import Example
from shared.tasks.task import Task

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]
Words = NDArray[np.str_]

UNANSWERED = 0.0  # label mass of a case that a version does not read
ANY_THRESHOLD = 0.0  # below every confidence


@dataclass(frozen=True)
class LeftOut:
    """Held-out cases that are no evidence, of `cases` in all."""

    cases: int
    trained: int  # their content is in what the version learned from
    copies: int  # the others whose content another held-out case has


@dataclass(frozen=True)
class HeldOut:
    """The cases of a split. `truth` and `groups` are indices, `adverse` has one entry per label.

    `standing` is what each case's checks left of it. `in_part`: the expert approved a part only, so
    that no answer of a model is right.
    """

    labels: tuple[str, ...]
    adverse: Booleans
    truth: Integers
    weights: Floats
    groups: Integers
    standing: Words
    in_part: Booleans = field(default_factory=lambda: np.array(False))

    @classmethod
    def of(cls, examples: Sequence[Example], task: Task) -> "HeldOut":
        labels = task.label_names
        names = {name: index for index, name in enumerate(labels)}
        _, groups = np.unique([e.group_id for e in examples], return_inverse=True)
        return cls(
            labels=labels,
            adverse=np.array([task.is_adverse(name) for name in labels]),
            truth=np.array([names[e.label] for e in examples], dtype=np.int64),
            weights=np.array([1.0 / e.inclusion_probability for e in examples]),
            groups=groups.astype(np.int64).reshape(-1),
            standing=np.array([e.standing for e in examples], dtype=np.str_),
            in_part=np.array([e.in_part for e in examples], dtype=np.bool_),
        )

    def __len__(self) -> int:
        return len(self.truth)

    @property
    def group_count(self) -> int:
        return int(self.groups.max()) + 1 if len(self) else 0

    @property
    def labels_present(self) -> tuple[str, ...]:
        """Those that an answer can be right about."""
        return tuple(self.labels[index] for index in np.unique(self.truth[~self.in_part]))


@dataclass(frozen=True)
class RankedAnswers:
    """The answers that could be accepted, most confident first."""

    confidence: Floats
    weights: Floats
    wrong: Booleans

    @property
    def last_of_equals(self) -> Booleans:
        """A threshold takes in every case of the same confidence: only their last can be one."""
        ends = np.append(self.confidence[1:] != self.confidence[:-1], True)
        return np.asarray(ends[: len(self.confidence)], dtype=np.bool_)


@dataclass(frozen=True)
class Answers:
    """What one version says of each case: calibrated probabilities over the labels."""

    version: str
    probabilities: Floats
    label_mass: Floats
    milliseconds_per_case: float

    @classmethod
    def of(
        cls,
        version: str,
        probabilities: Sequence[Mapping[str, float]],
        *,
        labels: Sequence[str],
        label_mass: Sequence[float],
        milliseconds_per_case: float,
    ) -> "Answers":
        """What is not a number is no answer."""
        rows = [[row[name] for name in labels] for row in probabilities]
        table = np.array(rows, dtype=np.float64).reshape(len(rows), len(labels))
        numbers = np.isfinite(table).all(axis=1) & np.isfinite(label_mass)
        return cls(
            version,
            np.where(numbers[:, None], table, 1.0 / len(labels)),
            np.where(numbers, label_mass, UNANSWERED),
            milliseconds_per_case,
        )

    @property
    def answered(self) -> Booleans:
        """A human decides the others: they are neither right nor accepted."""
        return np.asarray(self.label_mass > UNANSWERED, dtype=np.bool_)

    @property
    def predicted(self) -> Integers:
        return np.asarray(self.probabilities.argmax(axis=1), dtype=np.int64)

    @property
    def confidence(self) -> Floats:
        return np.asarray(self.probabilities.max(axis=1), dtype=np.float64)

    def right(self, held_out: HeldOut) -> Booleans:
        return np.asarray(self.answered & ~self.wrong(held_out), dtype=np.bool_)

    def wrong(self, held_out: HeldOut) -> Booleans:
        """Whether what is said is wrong, whatever the case; also where nothing is said."""
        return np.asarray((self.predicted != held_out.truth) | held_out.in_part, dtype=np.bool_)

    def ranked(self, held_out: HeldOut) -> RankedAnswers:
        """What could be accepted at some threshold: never an adverse answer."""
        acceptable = self.accepted(held_out, ANY_THRESHOLD)
        order = np.flatnonzero(acceptable)[np.argsort(-self.confidence[acceptable], kind="stable")]
        return RankedAnswers(
            self.confidence[order], held_out.weights[order], self.wrong(held_out)[order]
        )

    def accepted(self, held_out: HeldOut, threshold: float) -> Booleans:
        """What the filter would accept, audits aside."""
        return may_stand(
            standing=held_out.standing,
            adverse=held_out.adverse[self.predicted],
            confidence=self.confidence,
            label_mass=self.label_mass,
            threshold=threshold,
        )
