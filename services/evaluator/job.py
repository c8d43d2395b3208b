"""One evaluation, in a process of its own: `python -m services.evaluator.job REQUEST`.

REQUEST is an `EvaluationRequest` as JSON. Prints one JSON object per line: its progress, and last
the result as {"evaluated": …}, {"failed": why} or {"away": why}. Started again, it starts over.
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

from services.evaluator.evaluation_request import EvaluationRequest
from services.evaluator.gate import judge_candidate
from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.certification import certify
from services.evaluator.measures.choice import assess
from services.evaluator.measures.held_out import Answers, HeldOut
from services.evaluator.measures.strata import effective_cases, stratify
from services.evaluator.measures.threshold import Proposal, propose_threshold
from services.evaluator.report import HeldOutCounts, Report, store_report
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

Progress = Callable[[str, int, int], None]  # which version answers, how many cases, of how many
AnswerCases = Callable[[Sequence[Example]], Answers]


@dataclass(frozen=True)
class EvaluationData:
    """What an evaluation needs of a dataset version."""

    task: Task
    train: list[Example]
    calibration: list[Example]
    test: list[Example]

    @classmethod
    def read(cls, artifacts: Artifacts, model: TrainedModel) -> "EvaluationData":
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

    def proposed(
        self, answer: AnswerCases, *, tolerated_error: float
    ) -> tuple[EvaluatedVersion, Proposal]:
        """A version that has no threshold yet, with the one that calibration proposes."""
        proposal = propose_threshold(
            HeldOut.of(self.calibration, self.task),
            answer(self.calibration),
            tolerated_error=tolerated_error,
            test_cases=len(self.test),
        )
        return EvaluatedVersion(answer(self.test), proposal.threshold), proposal

    def counts(self, answers: Answers) -> HeldOutCounts:
        held_out = HeldOut.of(self.test, self.task)
        strata = stratify(held_out, answers)
        return HeldOutCounts(
            cases=len(held_out),
            effective_cases=effective_cases(strata),
            strata=strata,
            groups=held_out.group_count,
            calibration_cases=len(self.calibration),
            training_cases=len(self.train),
            reasons=dict(Counter(example.reason for example in self.test).most_common()),
        )


@dataclass(frozen=True)
class Comparison:
    """The versions with their answers to the test split. The baseline has what was confirmed."""

    candidate: EvaluatedVersion  # at its proposed threshold
    champion: EvaluatedVersion | None
    baseline: EvaluatedVersion
    proposal: Proposal  # the candidate's threshold

    def served(self, threshold: float) -> list[EvaluatedVersion]:
        """All versions, the candidate at the threshold that it may serve with."""
        candidate = EvaluatedVersion(self.candidate.answers, threshold)
        roles = (candidate, self.champion, self.baseline)
        return [version for version in roles if version is not None]


def evaluate(
    request: EvaluationRequest,
    artifacts: Artifacts,
    *,
    progress: Progress,
    now: Callable[[], datetime],
) -> ModelEvaluated:
    """Let the versions answer, measure, judge, and store the report."""
    data = EvaluationData.read(artifacts, request.model)
    comparison = _compare(data, request, artifacts, progress)
    held_out = HeldOut.of(data.test, data.task)
    judgment = judge_candidate(
        held_out,
        comparison.candidate,
        comparison.champion,
        settings=request.gate,
        rng=_rng(request),
    )
    report = Report(
        task=data.task.name,
        title=data.task.title,
        labels=data.task.label_names,
        candidate=request.model,
        champion=request.champion.model if request.champion else None,
        judgment=judgment,
        gate=request.gate,
        proposal=comparison.proposal,
        counts=data.counts(comparison.candidate.answers),
        assessments=tuple(
            assess(held_out, version.answers, threshold=version.threshold)
            for version in comparison.served(judgment.threshold)
        ),
        created_at=now(),
    )
    return _event(report, artifacts)


def _compare(
    data: EvaluationData, request: EvaluationRequest, artifacts: Artifacts, progress: Progress
) -> Comparison:
    # Takes seconds to import: a job without data to work on ends before.
    from services.evaluator.measures.baseline import Baseline

    labels, tolerated = data.task.label_names, request.gate.tolerated_error
    scorer = Scorer(ModelPool(ModelCache(artifacts, request.model_cache), request.device))

    def answers_of(model: TrainedModel) -> AnswerCases:
        say = partial(progress, model.version)
        return lambda examples: scorer.answers(model, examples, labels, on_progress=say)

    candidate, proposal = data.proposed(answers_of(request.model), tolerated_error=tolerated)
    champion = None
    if request.champion is not None:
        answers = answers_of(request.champion.model)(data.test)
        champion = EvaluatedVersion(answers, request.champion.threshold)
    learned = Baseline(data.train, labels)
    proposed, _ = data.proposed(learned.answers, tolerated_error=tolerated)
    held_out = HeldOut.of(data.test, data.task)
    baseline = certify(held_out, proposed, tolerated=tolerated).version
    return Comparison(candidate, champion, baseline, proposal)


def _event(report: Report, artifacts: Artifacts) -> ModelEvaluated:
    report_json, report_html = store_report(artifacts, report)
    return ModelEvaluated(
        occurred_at=report.created_at,
        task=report.task,
        model=report.candidate,
        champion=report.champion.version if report.champion else None,
        verdict=report.judgment.verdict,
        reasons=report.judgment.reasons,
        threshold=report.judgment.threshold,
        candidate_measures=report.assessments[0].measures,
        champion_measures=report.assessments[1].measures if report.champion else None,
        baseline_measures=report.assessments[-1].measures,
        report_json=report_json,
        report_html=report_html,
    )


def _rng(request: EvaluationRequest) -> np.random.Generator:
    """The same draws for the same comparison: a job that starts over says the same."""
    against = request.champion.version if request.champion else None
    digest = hashlib.sha256(f"{request.model.version}|{against}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def main() -> None:
    def say(**fields: object) -> None:
        print(json.dumps(fields), flush=True)

    request = EvaluationRequest.model_validate_json(sys.argv[1])
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
