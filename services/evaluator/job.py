"""One evaluation, in a process of its own: `python -m services.evaluator.job REQUEST`.

REQUEST is a `Request` as JSON. Prints one JSON object a line: how far it is, and last the result
as {"evaluated": …}, {"failed": why} or {"away": why}. Started again, it starts over.
"""

import hashlib
import json
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np

from services.evaluator.gate import judge
from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.choice import assess
from services.evaluator.measures.held_out import Answers, HeldOut
from services.evaluator.measures.strata import effective_cases, strata
from services.evaluator.measures.threshold import Proposal, propose
from services.evaluator.report import HeldOutCounts, Report, store
from services.evaluator.request import Request
from services.evaluator.scoring import Scorer
from shared.errors import Rejected, Transient
from shared.events import ModelEvaluated, TrainedModel
from shared.models.pool import ModelPool
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.datasets import Example, read_manifest, read_split
from shared.storage.model_registry import ModelCache
from shared.tasks import get_task
from shared.tasks.task import Task

Progress = Callable[[str, int, int], None]  # who answers, how many cases, of how many
Answer = Callable[[Sequence[Example]], Answers]


@dataclass(frozen=True)
class Data:
    """What an evaluation needs of a dataset version."""

    task: Task
    train: list[Example]
    calibration: list[Example]
    test: list[Example]

    @classmethod
    def read(cls, artifacts: Artifacts, model: TrainedModel) -> "Data":
        """The dataset that the model was trained on; `Rejected` if it has nothing to measure."""
        task = get_task(model.task)
        manifest = read_manifest(artifacts, model.dataset_manifest)
        if set(manifest.labels) != set(task.label_names):
            raise Rejected(f"{manifest.dataset_version} has other labels than {task.name}")
        train, calibration, test = (
            list(read_split(artifacts, manifest, split))
            for split in ("train", "calibration", "test")
        )
        if all(example.in_part for example in test):
            raise Rejected(f"{manifest.dataset_version} has no held-out cases to measure with")
        return cls(task, [each for each in train if not each.in_part], calibration, test)

    def contender(
        self, answer: Answer, *, tolerated_error: float
    ) -> tuple[EvaluatedVersion, Proposal]:
        """A version that has no threshold yet: it gets the one that calibration proposes."""
        held = HeldOut.of(self.calibration, self.task)
        proposal = propose(held, answer(self.calibration), tolerated_error=tolerated_error)
        return EvaluatedVersion(answer(self.test), proposal.threshold), proposal

    def counts(self, answers: Answers) -> HeldOutCounts:
        held = HeldOut.of(self.test, self.task)
        found = strata(held, answers)
        return HeldOutCounts(
            cases=len(held),
            effective_cases=effective_cases(found),
            strata=found,
            groups=held.group_count,
            calibration_cases=len(self.calibration),
            training_cases=len(self.train),
            reasons=dict(Counter(example.reason for example in self.test).most_common()),
        )


@dataclass(frozen=True)
class Comparison:
    """The versions with their answers to the test split."""

    candidate: EvaluatedVersion
    champion: EvaluatedVersion | None
    baseline: EvaluatedVersion
    proposal: Proposal  # the candidate's threshold

    def __post_init__(self) -> None:
        for contender in self.contenders:
            if not contender.answers.answered.any():
                raise Rejected(f"{contender.answers.version} can read none of the held-out cases")

    @property
    def contenders(self) -> list[EvaluatedVersion]:
        return [c for c in (self.candidate, self.champion, self.baseline) if c is not None]


def evaluate(
    request: Request, artifacts: Artifacts, *, progress: Progress, now: Callable[[], datetime]
) -> ModelEvaluated:
    """Let the versions answer, measure, judge, and store the report."""
    data = Data.read(artifacts, request.model)
    trial = _answer(data, request, artifacts, progress)
    held = HeldOut.of(data.test, data.task)
    report = Report(
        task=data.task.name,
        title=data.task.title,
        labels=data.task.label_names,
        candidate=request.model,
        champion=request.champion.model if request.champion else None,
        judgment=judge(
            held, trial.candidate, trial.champion, rules=request.rules, rng=_rng(request)
        ),
        rules=request.rules,
        proposal=trial.proposal,
        counts=data.counts(trial.candidate.answers),
        assessments=tuple(assess(held, c.answers, threshold=c.threshold) for c in trial.contenders),
        created_at=now(),
    )
    return _event(report, artifacts)


def _answer(data: Data, request: Request, artifacts: Artifacts, progress: Progress) -> Comparison:
    # Takes seconds to import: a job without data to work on ends before.
    from services.evaluator.measures.baseline import Baseline

    labels, tolerated = data.task.label_names, request.rules.tolerated_error
    scorer = Scorer(ModelPool(ModelCache(artifacts, request.model_cache), request.device))

    def answer_of(model: TrainedModel) -> Answer:
        say = partial(progress, model.version)
        return lambda examples: scorer.answers(model, examples, labels, on_progress=say)

    candidate, proposal = data.contender(answer_of(request.model), tolerated_error=tolerated)
    champion = None
    if request.champion is not None:
        answers = answer_of(request.champion.model)(data.test)
        champion = EvaluatedVersion(answers, request.champion.threshold)
    yardstick = Baseline(data.train, labels)
    baseline, _ = data.contender(yardstick.answers, tolerated_error=tolerated)
    return Comparison(candidate, champion, baseline, proposal)


def _event(report: Report, artifacts: Artifacts) -> ModelEvaluated:
    report_json, report_html = store(artifacts, report)
    return ModelEvaluated(
        occurred_at=report.created_at,
        task=report.task,
        model=report.candidate,
        champion=report.champion.version if report.champion else None,
        verdict=report.judgment.verdict,
        reasons=report.judgment.reasons,
        threshold=report.proposal.threshold,
        candidate_measures=report.assessments[0].measures,
        champion_measures=report.assessments[1].measures if report.champion else None,
        baseline_measures=report.assessments[-1].measures,
        report_json=report_json,
        report_html=report_html,
    )


def _rng(request: Request) -> np.random.Generator:
    """The same draws for the same comparison: a job that starts over says the same."""
    against = request.champion.version if request.champion else None
    digest = hashlib.sha256(f"{request.model.version}|{against}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def main() -> None:
    def say(**fields: object) -> None:
        print(json.dumps(fields), flush=True)

    request = Request.model_validate_json(sys.argv[1])
    try:
        evaluated = evaluate(
            request,
            Artifacts(EngineSettings()),
            progress=lambda version, done, of: say(version=version, done=done, of=of),
            now=lambda: datetime.now(UTC),
        )
    except Rejected as error:
        say(failed=str(error))
    except Transient as error:
        say(away=str(error))
    else:
        say(evaluated=evaluated.model_dump(mode="json"))


if __name__ == "__main__":
    main()
