"""The loop in numbers, lap by lap: a champion accepts, experts see the rest and the audited, labels
become a release, the release a candidate, and the candidate a verdict.

All with the repository's own rules and default settings. The versions are simulated: each is surer
and better the more labels it has learned from, and all find the same cases hard.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from services.confidence_filter.settings import Settings as FilterSettings
from services.dataset_accumulator.settings import Settings as AccumulatorSettings
from services.dataset_accumulator.splits import read_shares
from services.evaluator.gate import GateResult, judge_candidate
from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.held_out import Answers, Floats, HeldOut, Integers
from services.evaluator.measures.threshold import ACCEPTS_NOTHING, propose_threshold
from services.evaluator.settings import Settings as EvaluatorSettings
from shared.storage.datasets import SPLITS
from tests.unit.evaluator.simulated_versions import ADVERSE, LABELS, PASSED

AUDIT_RATE: float = FilterSettings.model_fields["audit_rate"].default
LABEL_THRESHOLD: int = AccumulatorSettings.model_fields["label_threshold"].default
SHARES = read_shares(AccumulatorSettings.model_fields["split_shares"].default)
GATE = replace(EvaluatorSettings().gate, resamples=300)

CLAIMS = 10_000
UNSEEN = slice(CLAIMS, None)  # 4,000 more that nobody labels: they say what is really so
DISSENT = 0.04  # of the experts' labels are random
ALIKE = 0.7  # correlation of what two versions find hard

Worse = Callable[["Version"], "Version"]


@dataclass(frozen=True)
class Version:
    """`blind` to a share of the adverse claims: it approves them, and is sure of it."""

    quality: float
    seed: int
    blind: float = 0.0

    @classmethod
    def trained_on(cls, labels: int, *, seed: int) -> "Version":
        """Right about 67 % of the claims with 200 labels, 79 % with 700, 87 % with 1,500."""
        return cls(2.3 - 1.1 * float(np.exp(-labels / 700)), seed)


@dataclass
class World:
    """Claims in the order in which they come, and what the experts say of each."""

    seed: int

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        count = CLAIMS + 4000
        self.truth = rng.choice(3, size=count, p=[0.5, 0.3, 0.2])
        random = rng.random(count) < DISSENT
        self.facts = np.where(random, rng.integers(0, 3, count), self.truth)
        self.hard = rng.normal(size=(count, 3))

    def answers(self, version: Version) -> Answers:
        """Of all claims: the posterior of normal evidence, so that confidences are calibrated."""
        rng = np.random.default_rng([self.seed, version.seed])
        evidence = ALIKE * self.hard + np.sqrt(1 - ALIKE**2) * rng.normal(size=self.hard.shape)
        evidence[np.arange(len(evidence)), self.facts] += version.quality
        odds = np.exp(version.quality * evidence)
        table = odds / odds.sum(axis=1, keepdims=True)
        table[(rng.random(len(table)) < version.blind) & (self.truth > 0)] = (0.97, 0.02, 0.01)
        return Answers("adjudication-v1.1", table, np.ones(len(table)), 1.0)

    def held_out(self, claims: Integers, weights: Floats) -> HeldOut:
        groups = np.arange(len(claims))
        return HeldOut(LABELS, ADVERSE, self.truth[claims], weights, groups, PASSED)


@dataclass(frozen=True)
class Evaluation:
    """A version's evaluation, and how it really is."""

    judgment: GateResult
    threshold: float
    accuracy: float
    accepted_error: float  # none accepted: 0

    @property
    def lacks_cases(self) -> bool:
        return any(c.name == "cases" and c.verdict != "PASS" for c in self.judgment.checks)


@dataclass
class Loop:
    """One installation. `labeled`, `weights` and `split` are of the same claims."""

    world: World
    audit_rate: float = AUDIT_RATE
    champion: EvaluatedVersion | None = None
    labeled: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    weights: Floats = field(default_factory=lambda: np.zeros(0))
    split: Integers = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    came_in: int = 0

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng([self.world.seed, 1])

    @property
    def training_labels(self) -> int:
        return int((self.split == SPLITS.index("train")).sum())

    def import_history(self, count: int) -> None:
        self._label(self._next(count), np.ones(count))

    def live(self) -> None:
        """Claims come in until a release is due."""
        due = self.training_labels + LABEL_THRESHOLD
        while self.training_labels < due and self.came_in < CLAIMS:
            claims = self._next(50)
            accepted = self._accepted(claims)
            seen = ~accepted | (self.rng.random(len(claims)) < self.audit_rate)
            self._label(claims[seen], np.where(accepted, 1 / self.audit_rate, 1.0)[seen])

    def evaluate(self, version: Version) -> Evaluation:
        found = self.world.answers(version)
        claims, held_out = self._part("calibration")
        tolerated = GATE.tolerated_error
        claims_of_test, test = self._part("test")
        proposal = propose_threshold(
            held_out, _of(found, claims), tolerated_error=tolerated, test_cases=len(test)
        )
        claims, held_out = claims_of_test, test
        champion = self.champion and EvaluatedVersion(
            _of(self.champion.answers, claims), self._threshold
        )
        candidate = EvaluatedVersion(_of(found, claims), proposal.threshold)
        judgment = judge_candidate(held_out, candidate, champion, settings=GATE, rng=self.rng)
        return self._outcome(found, judgment, judgment.threshold)

    def promote(self, version: Version, threshold: float) -> None:
        self.champion = EvaluatedVersion(self.world.answers(version), threshold)

    @property
    def _threshold(self) -> float:
        return self.champion.threshold if self.champion else ACCEPTS_NOTHING

    def _outcome(self, found: Answers, judgment: GateResult, threshold: float) -> Evaluation:
        claims = np.arange(*UNSEEN.indices(len(found.probabilities)))
        unseen, said = self.world.held_out(claims, np.ones(len(claims))), _of(found, claims)
        wrong, accepted = said.predicted != unseen.truth, said.accepted(unseen, threshold)
        error = float(wrong[accepted].mean()) if accepted.any() else 0.0
        return Evaluation(judgment, threshold, 1.0 - float(wrong.mean()), error)

    def _accepted(self, claims: Integers) -> np.ndarray:
        if self.champion is None:
            return np.zeros(len(claims), dtype=bool)
        held_out = self.world.held_out(claims, np.ones(len(claims)))
        return _of(self.champion.answers, claims).accepted(held_out, self._threshold)

    def _next(self, count: int) -> Integers:
        claims = np.arange(self.came_in, self.came_in + count)
        self.came_in += count
        return claims

    def _label(self, claims: Integers, weights: Floats) -> None:
        drawn = self.rng.choice(len(SPLITS), size=len(claims), p=[SHARES[s] for s in SPLITS])
        self.labeled = np.concatenate([self.labeled, claims])
        self.weights = np.concatenate([self.weights, weights])
        self.split = np.concatenate([self.split, drawn])

    def _part(self, split: str) -> tuple[Integers, HeldOut]:
        inside = self.split == SPLITS.index(split)
        claims = self.labeled[inside]
        return claims, self.world.held_out(claims, self.weights[inside])


def _of(answers: Answers, claims: Integers) -> Answers:
    return replace(
        answers,
        probabilities=answers.probabilities[claims],
        label_mass=answers.label_mass[claims],
    )


@dataclass
class Study:
    """What came of many installations. Only laps with a champion to compare with are counted."""

    candidates: list[Evaluation] = field(default_factory=list)
    champions: list[int] = field(default_factory=list)  # new ones, each installation's
    worse: list[tuple[str, float, Evaluation]] = field(default_factory=list)  # loss in accuracy

    def share(self, what: Callable[[Evaluation], bool]) -> float:
        return float(np.mean([what(one) for one in self.candidates]))

    def falsely_promoted(self) -> dict[str, float]:
        """How often each kind of worse version passed."""
        tried = Counter(kind for kind, _, _ in self.worse)
        passed = Counter(kind for kind, _, one in self.worse if one.judgment.verdict == "PASS")
        return {kind: passed[kind] / count for kind, count in tried.items()}


def study(
    *,
    history: int,
    installations: int,
    laps: int = 4,
    audit_rate: float = AUDIT_RATE,
    worse: dict[str, Worse] | None = None,
) -> Study:
    """Let installations run, and try in each lap what is worse than the champion, too."""
    found = Study()
    for seed in range(installations):
        loop = Loop(World(seed), audit_rate)
        loop.import_history(history)
        serving: tuple[Version, Evaluation] | None = None
        promoted = 0
        for lap in range(laps + 1):
            version = Version.trained_on(loop.training_labels, seed=10 * lap)
            outcome = loop.evaluate(version)
            if serving is not None:
                champion, known = serving
                found.candidates.append(outcome)
                for number, (kind, spoiled) in enumerate((worse or {}).items(), start=1):
                    bad = loop.evaluate(spoiled(replace(champion, seed=10 * lap + number)))
                    found.worse.append((kind, known.accuracy - bad.accuracy, bad))
            if outcome.judgment.verdict == "PASS":
                promoted += serving is not None
                serving = version, outcome
                loop.promote(version, outcome.threshold)
            loop.live()
        found.champions.append(promoted)
    return found
