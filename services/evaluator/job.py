"""One evaluation, in a process of its own: `python -m services.evaluator.job REQUEST`.

REQUEST is an `EvaluationRequest` as JSON. Prints one JSON object per line: its progress, and last
the result as {"evaluated": …}, {"failed": why} or {"away": why}. Started again, it starts over.
"""

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial

import numpy as np

from services.evaluator import checks
from services.evaluator.evaluation_request import EvaluationRequest
from services.evaluator.evidence import Evidence
from services.evaluator.gate import judge_candidate
from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.certification import certify
from services.evaluator.measures.choice import Assessment, assess
from services.evaluator.measures.held_out import Answers, HeldOut
from services.evaluator.measures.threshold import Proposal, propose_threshold
from services.evaluator.reporting.report import Report, store_report
from services.evaluator.scoring import Scorer
from shared.errors import Rejected, Transient
from shared.events import ModelEvaluated, TrainedModel
from shared.models.pool import ModelPool
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.datasets import Example
from shared.storage.model_registry import ModelCache

Progress = Callable[[str, int, int], None]  # which version answers, how many cases, of how many
AnswerCases = Callable[[Sequence[Example]], Answers]


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
    data = Evidence.read(artifacts, request.model)
    comparison = _compare(data, request, artifacts, progress)
    held_out = HeldOut.of(data.test, data.task)
    judgment = judge_candidate(
        held_out,
        comparison.candidate,
        comparison.champion,
        settings=request.gate,
        rng=_rng(request),
    ).saying(checks.distinct(data.left_out))
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
        assessments=_assessments(held_out, comparison.served(judgment.threshold)),
        created_at=now(),
    )
    return _event(report, artifacts)


def _assessments(held_out: HeldOut, versions: Sequence[EvaluatedVersion]) -> tuple[Assessment, ...]:
    """None if there is no case that an answer can be right about."""
    if not held_out.labels_present:
        return ()
    return tuple(
        assess(held_out, version.answers, threshold=version.threshold) for version in versions
    )


def _compare(
    data: Evidence, request: EvaluationRequest, artifacts: Artifacts, progress: Progress
) -> Comparison:
    # Takes seconds to import: a job without data to work on ends before.
    from services.evaluator.measures.baseline import Baseline

    labels, tolerated = data.task.label_names, request.gate.tolerated_error
    scorer = Scorer(ModelPool(ModelCache(artifacts, request.model_cache), request.device))

    def answers_of(model: TrainedModel) -> AnswerCases:
        say = partial(progress, model.version)
        return lambda examples: scorer.answers(model, examples, labels, on_progress=say)

    candidate, proposal = _proposed(data, answers_of(request.model), tolerated_error=tolerated)
    champion = None
    if request.champion is not None:
        answers = answers_of(request.champion.model)(data.test)
        champion = EvaluatedVersion(answers, request.champion.threshold)
    learned = Baseline(data.train, labels)
    proposed, _ = _proposed(data, learned.answers, tolerated_error=tolerated)
    held_out = HeldOut.of(data.test, data.task)
    baseline = certify(held_out, proposed, tolerated=tolerated).version
    return Comparison(candidate, champion, baseline, proposal)


def _proposed(
    data: Evidence, answer: AnswerCases, *, tolerated_error: float
) -> tuple[EvaluatedVersion, Proposal]:
    """A version that has no threshold yet, with the one that calibration proposes."""
    proposal = propose_threshold(
        HeldOut.of(data.calibration, data.task),
        answer(data.calibration),
        tolerated_error=tolerated_error,
        test_cases=len(data.test),
    )
    return EvaluatedVersion(answer(data.test), proposal.threshold), proposal


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
        candidate_measures=report.measures_of("candidate"),
        champion_measures=report.measures_of("champion"),
        baseline_measures=report.measures_of("baseline"),
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
