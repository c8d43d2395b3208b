"""The report's charts, drawn as SVG. Colors are CSS classes, so that the page's theme decides.

Every mark has a title: a pointer over it shows the number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from markupsafe import Markup

from services.evaluator.checks import Check
from services.evaluator.measures.choice import Assessment

Versions = Sequence[tuple[str, Assessment]]  # role and what was measured

_WIDTH, _HEIGHT = 560, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 14, 44
_TICK_WIDTH = 28
_WIDEST_START = 0.9  # of the axis of confidences
_LEAST_REACH = 0.01  # to either side of no difference


@dataclass(frozen=True)
class _Axes:
    """Maps values between the limits to the drawing area; y grows upwards."""

    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (
            round(_LEFT + across * (_WIDTH - _LEFT - _RIGHT), 1),
            round(_HEIGHT - _BOTTOM - up * (_HEIGHT - _TOP - _BOTTOM), 1),
        )

    def frame(self, x_title: str, y_title: str) -> list[str]:
        parts = []
        for value in _ticks(*self.y):
            left, height = self.at(self.x[0], value)
            right, _ = self.at(self.x[1], value)
            parts.append(_line(left, height, right, height, "grid"))
            parts.append(_text(left - 8, height + 4, f"{value:.0%}", "tick end"))
        for value in _ticks(*self.x):
            across, bottom = self.at(value, self.y[0])
            parts.append(_text(across, bottom + 18, f"{value:.0%}", "tick middle"))
        left, bottom = self.at(self.x[0], self.y[0])
        right, _ = self.at(self.x[1], self.y[0])
        parts.append(_line(left, bottom, right, bottom, "axis"))
        parts.append(_text((left + right) / 2, _HEIGHT - 6, x_title, "axis-title middle"))
        parts.append(
            f'<text class="axis-title middle" transform="translate(12 {(_TOP + bottom) / 2}) '
            f'rotate(-90)">{escape(y_title)}</text>'
        )
        return parts


def tradeoff_chart(versions: Versions, tolerated: float) -> Markup:
    """Error among the accepted over the share accepted, one line per version."""
    highest = max([2 * tolerated, *(p.error for _, a in versions for p in a.tradeoff)])
    widest = max([0.1, *(p.accepted for _, a in versions for p in a.tradeoff)])
    axes = _Axes((0.0, min(1.0, widest * 1.05)), (0.0, min(1.0, highest * 1.1)))
    parts = axes.frame("share of cases accepted without a human", "wrong among the accepted")
    (left, height), (right, _) = axes.at(0.0, tolerated), axes.at(axes.x[1], tolerated)
    parts.append(_line(left, height, right, height, "limit"))
    parts.append(_text(right, height - 6, f"tolerated {tolerated:.0%}", "tick end"))
    for role, assessment in reversed(versions):
        line = sorted(assessment.tradeoff, key=lambda point: point.accepted)
        parts.append(_path([axes.at(p.accepted, p.error) for p in line], role))
    for role, assessment in reversed(versions):
        measures = assessment.measures
        if measures.auto_accept_error is not None:
            tooltip = (
                f"{measures.version}: accepts {measures.auto_accept_rate:.1%}, "
                f"{measures.auto_accept_error:.1%} of it wrong"
            )
            place = axes.at(measures.auto_accept_rate, measures.auto_accept_error)
            parts.append(_dot(place, 6, role, tooltip))
    return _svg(parts, "Error among accepted cases over the share accepted")


def calibration_chart(versions: Versions) -> Markup:
    """Accuracy over confidence; on the diagonal a confidence means what it says."""
    confidences = [bin_.confidence for _, a in versions for bin_ in a.calibration]
    lowest = min([_WIDEST_START, *confidences])  # certain of everything: a line needs a length
    axes = _Axes((int(lowest * 10) / 10, 1.0), (0.0, 1.0))
    parts = axes.frame("confidence", "accuracy")
    start, end = axes.at(axes.x[0], axes.x[0]), axes.at(1.0, 1.0)
    parts.append(_line(*start, *end, "limit"))
    for role, assessment in reversed(versions):
        places = [axes.at(bin_.confidence, bin_.accuracy) for bin_ in assessment.calibration]
        parts.append(_path(places, f"{role} faint"))
        for place, bin_ in zip(places, assessment.calibration, strict=True):
            tooltip = (
                f"{assessment.measures.version}: confidence {bin_.confidence:.0%}, "
                f"right {bin_.accuracy:.0%}, {bin_.share:.0%} of the cases"
            )
            parts.append(_dot(place, 3 + 9 * bin_.share**0.5, role, tooltip))
    return _svg(parts, "Accuracy over confidence")


def intervals_chart(checks: Sequence[Check], margin: float) -> Markup:
    """The differences to the champion with their 95 % bounds, and the margin."""
    rows = [c for c in checks if c.interval is not None and c.name in ("accuracy", "macro_f1")]
    shown = [c.interval for c in rows if c.interval is not None]
    reach = 1.15 * max(
        [_LEAST_REACH, 2 * margin, *(abs(v) for i in shown for v in (i.low, i.high))]
    )
    height = 52 + 44 * len(rows)

    def across(value: float) -> float:
        return round(96 + (value + reach) / (2 * reach) * (_WIDTH - 96 - _RIGHT), 1)

    bottom = height - 30
    parts = [
        f'<rect class="worse" x="{across(-reach)}" y="8" '
        f'width="{across(-margin) - across(-reach)}" height="{bottom - 8}"/>',
        _line(across(0), 8, across(0), bottom, "axis"),
        _line(across(-margin), 8, across(-margin), bottom, "limit"),
        _text(across(-reach) + 6, 22, "worse than tolerated", "tick"),
    ]
    apart = across(0) - across(-margin) > _TICK_WIDTH
    for value in (-reach * 0.8, *([-margin] if apart else []), 0.0, reach * 0.8):
        parts.append(
            _text(
                across(value), height - 12, f"{100 * value:+.0f}" if value else "0", "tick middle"
            )
        )
    for number, (check, interval) in enumerate(zip(rows, shown, strict=True)):
        middle = 48 + 44 * number
        name = check.name.replace("macro_f1", "macro-F1")
        tooltip = f"{name}: {interval.low:+.1%} to {interval.high:+.1%}"
        parts.append(_text(84, middle + 4, name, "label end"))
        parts.append(
            _line(across(interval.low), middle, across(interval.high), middle, "interval candidate")
        )
        parts.append(_dot((across(interval.estimate), middle), 6, "candidate", tooltip))
    return _svg(parts, "Difference to the champion in points", height=height)


def confusion_chart(assessment: Assessment, labels: Sequence[str]) -> Markup:
    """Experts' decision by row, the version's answer by column, in shares of all cases."""
    cell, left, top = 92, 104, 40
    columns = (*labels, *(["no answer"] if assessment.unanswered else []))
    parts = [_text(left + cell * len(columns) / 2, 14, "the version says", "axis-title middle")]
    for column, name in enumerate(columns):
        parts.append(_text(left + cell * (column + 0.5), 32, name, "tick middle"))
    for row, (name, shares) in enumerate(zip(labels, assessment.confusion, strict=True)):
        parts.append(_text(left - 8, top + cell * 0.6 * (row + 0.5) + 4, name, "tick end"))
        for column, share in enumerate(shares[: len(columns)]):
            tooltip = f"experts {name}, version {columns[column]}: {share:.1%}"
            kind = "right" if row == column else "wrong"
            x, y = left + cell * column, top + cell * 0.6 * row
            parts.append(
                f'<g><title>{escape(tooltip)}</title><rect class="cell {kind}" x="{x}" y="{y:.1f}" '
                f'width="{cell - 3}" height="{cell * 0.6 - 3:.1f}" rx="4" '
                f'fill-opacity="{min(1.0, 0.06 + 1.4 * share):.2f}"/>'
                f"{_text(x + cell / 2, y + cell * 0.3 + 3, f'{share:.1%}', 'label middle')}</g>"
            )
    height = int(top + cell * 0.6 * len(labels) + 6)
    width = left + cell * len(columns) + 8
    return _svg(parts, "Experts' decisions and answers", width=width, height=height, kind="small")


def _ticks(low: float, high: float) -> list[float]:
    """Four to eight round values between the limits."""
    steps = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
    step = next((s for s in steps if (high - low) / s <= 8), steps[-1])
    first = int(low / step + 0.999)
    return [round(n * step, 4) for n in range(first, int(high / step + 1e-9) + 1)]


def _svg(
    parts: Sequence[str],
    title: str,
    *,
    width: int = _WIDTH,
    height: int = _HEIGHT,
    kind: str = "chart",
) -> Markup:
    head = f'class="{kind}" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(title)}"'
    # Every text was escaped when its element was written.
    return Markup(f"<svg {head}>{''.join(parts)}</svg>")  # noqa: S704


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"/>'


def _path(places: Sequence[tuple[float, float]], kind: str) -> str:
    points = " ".join(f"{x},{y}" for x, y in places)
    return f'<polyline class="curve {kind}" points="{points}"/>'


def _dot(place: tuple[float, float], radius: float, kind: str, tooltip: str) -> str:
    return (
        f'<circle class="dot {kind}" cx="{place[0]}" cy="{place[1]}" r="{radius:.1f}">'
        f"<title>{escape(tooltip)}</title></circle>"
    )


def _text(x: float, y: float, words: str, kind: str) -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'
