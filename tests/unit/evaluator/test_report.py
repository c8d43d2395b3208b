import json
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from services.evaluator import charts
from services.evaluator.evaluation_request import GateSettings
from services.evaluator.gate import judge_candidate
from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.choice import assess
from services.evaluator.measures.strata import stratify
from services.evaluator.measures.threshold import propose_threshold
from services.evaluator.report import HeldOutCounts, Report, to_html, to_json
from tests.support.builders.events import NOW, trained
from tests.unit.evaluator.simulated_versions import LABELS, sharp, simulate_held_out

GATE = GateSettings(
    margin=0.02,
    minimum_effective_cases=100,
    tolerated_error=0.05,
    unanswered_share=0.1,
    resamples=200,
)


def report(*, champion: bool, quality: float = 2.0, cases: int = 200) -> Report:
    rng = np.random.default_rng(31)
    calibration, test = simulate_held_out(rng, 100), simulate_held_out(rng, cases)
    proposal = propose_threshold(
        calibration,
        sharp(rng, calibration, quality=quality, noise=0.04),
        tolerated_error=0.05,
        test_cases=cases,
    )
    candidate = EvaluatedVersion(sharp(rng, test, quality=quality, noise=0.04), proposal.threshold)
    other = EvaluatedVersion(sharp(rng, test, quality=0.7, noise=0.04), 1.01)
    judgment = judge_candidate(test, candidate, other if champion else None, settings=GATE, rng=rng)
    candidate = EvaluatedVersion(candidate.answers, judgment.threshold)
    versions = [candidate, other, other] if champion else [candidate, other]
    return Report(
        task="adjudication",
        title="Claim adjudication",
        labels=LABELS,
        candidate=trained("adjudication-v1.1"),
        champion=trained("adjudication-v1.0") if champion else None,
        judgment=judgment,
        gate=GATE,
        proposal=proposal,
        counts=HeldOutCounts(
            cases, 180.0, stratify(test, candidate.answers), cases, 100, 300, {"<audit>": 3}
        ),
        assessments=tuple(assess(test, c.answers, threshold=c.threshold) for c in versions),
        created_at=NOW,
    )


class Page(HTMLParser):
    """Notes whatever a page would load, and the words it shows."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.tags: set[str] = set()
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.loads += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("champion", [True, False])
@pytest.mark.parametrize(("quality", "cases"), [(2.5, 200), (0.1, 200), (2.5, 40)])
def test_the_page_is_whole_in_itself_and_says_what_was_found(
    champion: bool, quality: float, cases: int
) -> None:
    found = report(champion=champion, quality=quality, cases=cases)
    html = to_html(found)
    page = Page(html)
    assert page.loads == []
    assert "script" not in page.tags
    assert "url(" not in html
    assert found.judgment.verdict in page.words
    for reason in found.judgment.reasons:
        assert reason in page.words
    assert f"{100 * found.assessments[0].measures.accuracy:.1f}%" in page.words
    assert "<audit>" in page.words  # shown, and therefore escaped


def test_the_json_holds_every_number_of_the_page() -> None:
    found = report(champion=True)
    content = json.loads(to_json(found))
    assert content["judgment"]["verdict"] == found.judgment.verdict
    assert len(content["assessments"]) == 3
    measures = content["assessments"][0]["measures"]
    assert measures["accuracy"] == found.assessments[0].measures.accuracy
    assert len(content["assessments"][0]["confusion"]) == 3


def test_charts_are_well_formed_and_stay_inside_their_frame() -> None:
    found = report(champion=True, quality=2.5, cases=600)
    versions = list(zip(found.roles, found.assessments, strict=True))
    drawings = [
        charts.tradeoff_chart(versions, 0.05),
        charts.calibration_chart(versions),
        charts.intervals_chart(found.judgment.checks, 0.02),
        charts.confusion_chart(found.assessments[0], LABELS),
    ]
    for drawing in drawings:
        root = ElementTree.fromstring(drawing)
        _, _, width, height = (float(part) for part in root.attrib["viewBox"].split())
        assert any(True for _ in root.iter("title"))
        for mark in root.iter():
            for name, limit in (("cx", width), ("x1", width), ("cy", height), ("y1", height)):
                assert 0 <= float(mark.get(name, 0)) <= limit
