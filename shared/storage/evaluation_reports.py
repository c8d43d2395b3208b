"""Where the report of an evaluation lies in object storage, and what its event repeats of it."""

from pydantic import ValidationError

from shared.errors import Conflict
from shared.events import ArtifactRef, ModelEvaluated, TrainedModel
from shared.events.base import Frozen
from shared.events.models import Verdict
from shared.storage.artifacts import REPORTS, Artifacts


class _Judgment(Frozen):
    verdict: Verdict
    threshold: float


class _Reported(Frozen):
    """Of a report, what decides."""

    candidate: TrainedModel
    champion: TrainedModel | None
    judgment: _Judgment


def report_place(task: str, *, candidate: str, champion: str | None, sha256: str) -> str:
    """The name of both its forms, without `.json` or `.html`. It holds the hash of the first, so
    that no report is overwritten."""
    return f"s3://{REPORTS}/{task}/{candidate}-against-{champion or 'none'}-{sha256[:12]}"


def refuse_unreported(artifacts: Artifacts, evaluated: ModelEvaluated) -> None:
    """`Rejected` unless object storage holds the report that the event tells of, and the report
    judges as the event does."""
    place = report_place(
        evaluated.task,
        candidate=evaluated.model.version,
        champion=evaluated.champion,
        sha256=evaluated.report_json.sha256,
    )
    content = _told(artifacts, evaluated.report_json, f"{place}.json", field="report_json")
    _told(artifacts, evaluated.report_html, f"{place}.html", field="report_html")
    try:
        report = _Reported.model_validate_json(content)
    except ValidationError:
        raise Conflict("is no report of an evaluation", field="report_json") from None
    champion = report.champion.version if report.champion else None
    said = (report.candidate, champion, report.judgment.verdict, report.judgment.threshold)
    if said != (evaluated.model, evaluated.champion, evaluated.verdict, evaluated.threshold):
        raise Conflict("judges otherwise than the event", field="report_json")


def _told(artifacts: Artifacts, ref: ArtifactRef, uri: str, *, field: str) -> bytes:
    return artifacts.get_told(ref, in_place=ref.uri == uri, field=field)
