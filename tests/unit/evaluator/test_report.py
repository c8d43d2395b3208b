import json
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from services.evaluator.evaluation_request import GateSettings
from services.evaluator.gate import judge_candidate
from services.evaluator.measures.bootstrap import EvaluatedVersion
from services.evaluator.measures.choice import assess
from services.evaluator.measures.held_out import Answers, HeldOut, LeftOut
from services.evaluator.measures.strata import stratify
from services.evaluator.measures.threshold import ACCEPTS_NOTHING, propose_threshold
from services.evaluator.reporting import charts
from services.evaluator.reporting.report import HeldOutCounts, Report, to_html, to_json
from shared.tasks import TASKS
from tests.support.builders.events import NOW, trained
from tests.unit.evaluator.simulated_versions import ADVERSE, LABELS, sharp, simulate_held_out

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
            cases,
            effective_cases=180.0,
            strata=stratify(test, candidate.answers),
            groups=cases,
            calibration_cases=100,
            training_cases=300,
            reasons={"<audit>": 3},
            left_out=LeftOut(cases + 7, trained=5, copies=2),
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


def of_one_label(confidence: float, *, version: str = "v") -> tuple[HeldOut, EvaluatedVersion]:
    """200 claims that the experts approved, and a version that approves all, equally sure."""
    held_out = HeldOut(
        LABELS,
        ADVERSE,
        np.zeros(200, dtype=np.int64),
        np.ones(200),
        np.arange(200),
        np.full(200, "passed"),
    )
    rest = (1 - confidence) / 2
    table = np.tile((confidence, rest, rest), (200, 1))
    return held_out, EvaluatedVersion(Answers(version, table, np.ones(200), 1.0), 0.5)


@pytest.mark.parametrize("confidence", [1.0, 0.5, 1 / 3])
def test_a_history_of_one_label_ends_in_a_verdict_and_a_page_with_charts(confidence: float) -> None:
    held_out, version = of_one_label(confidence)
    rng = np.random.default_rng(32)
    settings = replace(GATE, margin=0.0)
    for champion in (None, version):
        judgment = judge_candidate(held_out, version, champion, settings=settings, rng=rng)
        assert judgment.verdict == "INCONCLUSIVE"
        assert any("APPROVED of every held-out case" in reason for reason in judgment.reasons)
    found = assess(held_out, version.answers, threshold=0.5)
    whole = replace(report(champion=False), judgment=judgment, assessments=(found, found))
    html = to_html(whole)
    assert "could not be drawn" not in html
    assert html.count("<svg") == 3


def test_without_anything_to_measure_the_page_says_the_reasons() -> None:
    empty = HeldOut.of([], TASKS["adjudication"])
    nobody = Answers.of("v", [], labels=LABELS, label_mass=[], milliseconds_per_case=0.0)
    judgment = judge_candidate(
        empty, EvaluatedVersion(nobody, 0.5), None, settings=GATE, rng=np.random.default_rng(33)
    )
    assert (judgment.verdict, judgment.threshold) == ("INCONCLUSIVE", ACCEPTS_NOTHING)
    html = to_html(replace(report(champion=False), judgment=judgment, assessments=()))
    for reason in judgment.reasons:
        assert reason in Page(html).words


def test_a_chart_that_cannot_be_drawn_is_said_and_ends_nothing() -> None:
    found = report(champion=True)
    broken = replace(found.assessments[0], calibration=None)  # type: ignore[arg-type]
    html = to_html(replace(found, assessments=(broken, *found.assessments[1:])))
    assert html.count("This chart could not be drawn") == 1
    assert found.judgment.verdict in Page(html).words


def test_what_is_not_a_number_is_not_answered() -> None:
    """A version with broken weights says NaN of everything: it fails, and is not promoted."""
    held_out = simulate_held_out(np.random.default_rng(34), 200)
    said = Answers.of(
        "v",
        [dict.fromkeys(LABELS, float("nan"))] * 200,
        labels=LABELS,
        label_mass=[float("nan")] * 200,
        milliseconds_per_case=1.0,
    )
    broken = EvaluatedVersion(said, 0.0)
    rng = np.random.default_rng(35)
    judgment = judge_candidate(held_out, broken, None, settings=GATE, rng=rng)
    assert (judgment.verdict, judgment.threshold) == ("FAIL", ACCEPTS_NOTHING)
    assert assess(held_out, said, threshold=0.0).measures.unanswered_share == 1.0


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
