"""A confusion as a picture, with its numbers as a table for those who do not see it.

The picture goes by the shares of a row, so that what happens to a rare label is as visible as what
happens to a common one. It carries no styles: classes color it, else the color of the text does.
"""

import math
from collections.abc import Iterable, Sequence
from textwrap import wrap

from markupsafe import Markup

from services.review_queue.agreement.confusion import Confusion, share

# In units of the drawing, which are pixels at full size.
_WIDTH, _HEIGHT, _GAP = 92, 56, 3  # of a cell, and between two
_SIDE, _END = 122, 64  # left and right of the cells
_LINE, _LETTERS, _LINES = 15, 11, 3  # of a label's name
_LETTER = 9  # about the width of one, of a side's name

_FAINTEST, _DARKEST = 0.04, 0.35  # beyond, text on a cell would lose its contrast of 4.5 to 1

# How each kind of text looks.
_LOOKS = {
    "side": Markup('font-size="13" font-weight="600"'),
    "head": Markup('font-size="12"'),
    "row": Markup('font-size="12" text-anchor="end"'),
    "count": Markup('font-size="15" font-weight="600"'),
    "share": Markup('font-size="12"'),
    "faint": Markup('font-size="13" fill-opacity="0.75"'),
}


def figure(confusion: Confusion, *, name: str) -> Markup:
    """Picture and table. The ids inside begin with `name`, which no other figure of a page has."""
    return Markup('<figure class="confusion">{}<div class="hidden">{}</div></figure>').format(
        picture(confusion, name=name), table(confusion)
    )


def table(confusion: Confusion) -> Markup:
    """The counts; the last column is the sum of the row."""
    cell, row = Markup("<td>{}</td>"), Markup('<tr><th scope="row">{}</th>{}</tr>')
    head = _join(Markup('<th scope="col">{}</th>').format(label) for label in confusion.labels)
    body = _join(
        row.format(label, _join(cell.format(count) for count in (*counts, sum(counts))))
        for label, counts in zip(confusion.labels, confusion.counts, strict=True)
    )
    return Markup(
        '<table><caption>{}</caption><thead><tr><th scope="col">{}</th>{}<th scope="col">All</th>'
        "</tr></thead><tbody>{}</tbody></table>"
    ).format(confusion.title, confusion.rows, head, body)


def picture(confusion: Confusion, *, name: str) -> Markup:
    """SVG. Where the pointer rests on a cell, it says what it counts."""
    size = len(confusion.labels)
    top = _LINE * (2 + max((len(_lines(label)) for label in confusion.labels), default=0))
    parts = [
        _sides(confusion, top),
        *(_head(label, n, top) for n, label in enumerate(confusion.labels)),
    ]
    parts += [_row(confusion, number, top + _HEIGHT * number) for number in range(size)]
    return Markup(
        '<svg viewBox="0 0 {w} {h}" width="{w}" height="{h}" role="img" '
        'aria-labelledby="{name}-title" aria-describedby="{name}-summary">'
        '<title id="{name}-title">{title}</title><desc id="{name}-summary">{summary}</desc>'
        '<g fill="currentColor" stroke="none" text-anchor="middle">{parts}</g></svg>'
    ).format(
        w=_SIDE + _WIDTH * size + _END,
        h=top + _HEIGHT * size,
        name=name,
        title=confusion.title,
        summary=confusion.summary,
        parts=_join(parts),
    )


def _sides(confusion: Confusion, top: int) -> Markup:
    """Who is across, who is down."""
    across, down = _WIDTH * len(confusion.labels), _HEIGHT * len(confusion.labels)
    turned = _text("side", -top - down / 2, 12, [_shortened(confusion.rows, down)])
    return _join(
        [
            _text("side", _SIDE + across / 2, 12, [_shortened(confusion.columns, across)]),
            Markup('<g transform="rotate(-90)">{}</g>').format(turned),
            _text("faint", _SIDE + across + _END / 2, top - 10, ["All"]),
        ]
    )


def _head(label: str, number: int, top: int) -> Markup:
    lines = _lines(label)
    first = top - 10 - _LINE * (len(lines) - 1)
    return _text("head", _SIDE + _WIDTH * (number + 0.5), first, lines)


def _row(confusion: Confusion, number: int, y: int) -> Markup:
    label, counts = confusion.labels[number], confusion.counts[number]
    lines, middle, whole = _lines(label), y + _HEIGHT / 2 + 3, sum(counts)
    parts = [_text("row", _SIDE - 10, middle - _LINE * (len(lines) - 1) / 2, lines)]
    for column, (other, count) in enumerate(zip(confusion.labels, counts, strict=True)):
        title = f"{confusion.rows} {label}, {confusion.columns} {other}: {count:,} of {whole:,}"
        kind = "agree" if column == number else "differ"
        cell = Markup('<g class="{}" transform="translate({} {})"><title>{}</title>{}</g>')
        parts.append(cell.format(kind, _SIDE + _WIDTH * column, y, title, _cell(count, whole)))
    end = _SIDE + _WIDTH * len(counts) + _END / 2
    return _join([*parts, _text("faint", end, middle, [f"{whole:,}"])])


def _cell(count: int, whole: int) -> Markup:
    """It darkens with the root of the share, so that already one in twenty shows."""
    darkness = _FAINTEST + (_DARKEST - _FAINTEST) * math.sqrt(count / whole if whole else 0)
    middle = (_WIDTH - _GAP) / 2
    drawn = Markup('<rect width="{}" height="{}" rx="4" fill-opacity="{:.2f}"/>').format(
        _WIDTH - _GAP, _HEIGHT - _GAP, darkness
    )
    if not count:
        return drawn + _text("faint", middle, 31, ["0"])
    number = _text("count", middle, 25, [f"{count:,}"])
    return drawn + number + _text("share", middle, 42, [share(count, whole)])


def _lines(label: str) -> list[str]:
    """A name over at most three lines; the table has all of it."""
    return wrap(label.replace("_", " "), _LETTERS, max_lines=_LINES, placeholder="…")


def _shortened(words: str, room: int) -> str:
    letters = room // _LETTER
    return words if len(words) <= letters else f"{words[: letters - 1]}…"


def _text(kind: str, x: float, y: float, lines: Sequence[str]) -> Markup:
    text = Markup('<text class="{}" x="{:g}" y="{:g}" {}>{}</text>')
    return _join(
        text.format(kind, x, y + _LINE * number, _LOOKS[kind], line)
        for number, line in enumerate(lines)
    )


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
