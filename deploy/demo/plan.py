"""How large the demonstration is: which claims, how many, and the settings that fit them.

The history is mostly held out, so that the first version has too few labels to be sure of much
and both versions are measured on the same few hundred claims.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from deploy.simulation import DecidedCase, Simulation, determinations
from services.trainer.strategies import STRATEGIES
from shared.errors import Rejected
from shared.tasks import TASKS
from shared.tasks.task import Task

HISTORY_SPLITS = "train=0.12,validation=0.04,calibration=0.2,test=0.64"
HISTORY = 1000  # simulated claims
THRESHOLD = 190  # labels
# Nothing live is held out: the few audited claims of a demonstration, each standing for twenty,
# would leave open what is wrong among them.
LIVE_SPLITS = "train=0.9,validation=0.05,certification=0.05"
# The simulated experts differ from their own rules in 4 % of the labels, which no model foresees:
# on some 300 accepted claims at most 10 % can be shown, not 5 %.
TOLERATED_ERROR = "0.1"


@dataclass(frozen=True)
class Plan:
    """One demonstration. `threshold` counts the new training labels that make a release."""

    task: Task
    history: int  # cases of the imported file
    cases: int  # at most so many are streamed
    threshold: int
    source: Path | None = None
    seed: int = 1
    labeling_pace: float = 4.0  # cases a second while labels are needed; two cores score about ten
    training_pace: float = 0.25  # while a model trains: production never stops
    settings: dict[str, str] = field(default_factory=dict)

    def history_cases(self) -> Iterator[DecidedCase]:
        return islice(self._all(), self.history)

    def stream(self) -> Iterator[DecidedCase]:
        return islice(self._all(), self.history, self.history + self.cases)

    def _all(self) -> Iterator[DecidedCase]:
        if self.source is None:
            return iter(Simulation(self.seed).claims(count=self.history + self.cases))
        return iter(determinations(self.source, limit=self.history + self.cases))

    @property
    def environment(self) -> dict[str, str]:
        """The services' settings for this demonstration."""
        return {
            "LABEL_THRESHOLD": str(self.threshold),
            "DATASET_ACCUMULATOR_SPLIT_SHARES": LIVE_SPLITS,
            "EVALUATOR_TOLERATED_ERROR": TOLERATED_ERROR,
            # The history is the simulation's own: nobody else is there to confirm it, and the
            # first version has nothing else to be measured by.
            "DATASET_ACCUMULATOR_IMPORTS_NEED_CONFIRMATION": "false",
            "DATASET_ACCUMULATOR_IMPORTS_MAY_TEST": "true",
            "PROMOTER_SHADOW_CASES": "25",
            "PROMOTER_SHADOW_SECONDS": "5",
            "PROMOTER_CANARY_CASES": "15",
            "PROMOTER_CANARY_SECONDS": "5",
            # The first version is watched while the next one's labels come in.
            "PROMOTER_FULL_CASES": "25",
            "PROMOTER_FULL_SECONDS": "5",
            **self.settings,
        }


def simulated(
    *, seed: int, history: int = HISTORY, cases: int = 1400, threshold: int = THRESHOLD
) -> Plan:
    """Simulated claims: some 300 training labels for the second version, 600 held-out claims."""
    return Plan(TASKS["adjudication"], history=history, cases=cases, threshold=threshold, seed=seed)


def with_strategy(plan: Plan, strategy: str) -> Plan:
    """Trained so. Without a base model, many more cases a second are scored."""
    settings = {**plan.settings, "TRAINER_STRATEGY": strategy}
    if STRATEGIES[strategy].needs_base_model:
        return replace(plan, settings=settings)
    return replace(plan, settings=settings, labeling_pace=15.0, training_pace=2.0)


def independent_review(path: Path, *, limit: int) -> Plan:
    """Real determinations in the order of their years; the first 40 % are the history.

    `limit` 0 takes all cases of the file. `Rejected` if it has too few.
    """
    available = sum(1 for _ in determinations(path, limit=limit))
    history = int(available * 0.4)
    live = available - history
    threshold = min(400, int(live * 0.45))
    if not threshold:
        raise Rejected(f"{path} has {available} cases: too few for a demonstration")
    return Plan(
        TASKS["independent_review"],
        history=history,
        cases=live,
        threshold=threshold,
        source=path,
    )
