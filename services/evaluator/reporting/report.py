"""The evaluation as people read it: everything that was measured, as JSON and as one HTML page.

The page is whole in itself: no script, no font, no picture from elsewhere.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic import TypeAdapter

from services.evaluator.evaluation_request import GateSettings
from services.evaluator.gate import GateResult
from services.evaluator.measures.choice import Assessment
from services.evaluator.measures.held_out import LeftOut
from services.evaluator.measures.strata import Stratum
from services.evaluator.measures.threshold import Proposal
from services.evaluator.reporting import charts
from shared.events import ArtifactRef, Measures, TrainedModel
from shared.storage.artifacts import Artifacts
from shared.storage.evaluation_reports import report_place
from shared.telemetry import logger

_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class HeldOutCounts:
    """What the versions were measured on. `reasons`: why the experts saw the case."""

    cases: int
    effective_cases: float  # for the candidate's accuracy
    strata: tuple[Stratum, ...]
    groups: int
    calibration_cases: int
    training_cases: int
    reasons: dict[str, int]
    left_out: LeftOut


@dataclass(frozen=True)
class Report:
    """One evaluation. `assessments` are the candidate, the champion if any, the baseline; there are
    none where there is nothing to measure."""

    task: str
    title: str
    labels: tuple[str, ...]
    candidate: TrainedModel
    champion: TrainedModel | None
    judgment: GateResult
    gate: GateSettings
    proposal: Proposal
    counts: HeldOutCounts
    assessments: tuple[Assessment, ...]
    created_at: datetime

    @property
    def roles(self) -> tuple[str, ...]:
        return ("candidate", "champion", "baseline") if self.champion else ("candidate", "baseline")

    def measures_of(self, role: str) -> Measures | None:
        """None if there is no such version, or nothing to measure it on."""
        found = dict(zip(self.roles, self.assessments, strict=False))
        return found[role].measures if role in found else None

    @property
    def against_baseline(self) -> str:
        """Whether the language model is worth it, in a sentence."""
        candidate, baseline = self.assessments[0].measures, self.assessments[-1].measures
        more = candidate.accuracy - baseline.accuracy
        accepted = candidate.auto_accept_rate - baseline.auto_accept_rate
        return (
            f"Against logistic regression on words, trained on the same labels, "
            f"{candidate.version} is {100 * abs(more):.1f} points "
            f"{'more' if more >= 0 else 'less'} accurate and accepts "
            f"{100 * abs(accepted):.1f} points {'more' if accepted >= 0 else 'less'} of the cases."
        )


_AS_JSON = TypeAdapter(Report)


def to_json(report: Report) -> bytes:
    return _AS_JSON.dump_json(report, indent=2)


def to_html(report: Report) -> str:
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html")
    return template.render(report=report, charts=charts, drawn=_drawn, versions=_versions(report))


def _drawn(chart: Callable[..., Markup], *arguments: object) -> Markup:
    """The chart, or a line that says that there is none: a picture never ends a verdict."""
    try:
        return chart(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever it stumbled over, the numbers are there
        logger.error("chart not drawn", chart=chart.__name__, exc_info=error)
        return Markup('<p class="note">This chart could not be drawn from these numbers.</p>')


def store_report(artifacts: Artifacts, report: Report) -> tuple[ArtifactRef, ArtifactRef]:
    """Both forms in object storage, named by their content, so that neither is overwritten."""
    content = to_json(report)
    place = report_place(
        report.task,
        candidate=report.candidate.version,
        champion=report.champion.version if report.champion else None,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    page = to_html(report).encode()
    return artifacts.put(f"{place}.json", content), artifacts.put(f"{place}.html", page)


def _versions(report: Report) -> list[tuple[str, Assessment]]:
    return list(zip(report.roles, report.assessments, strict=False))
