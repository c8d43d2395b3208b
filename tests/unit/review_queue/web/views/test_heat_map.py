"""The picture of a confusion: right numbers in the right places, readable by everybody."""

import re
from itertools import product
from pathlib import Path
from xml.etree import ElementTree

import pytest

import services.review_queue
from services.review_queue.agreement.confusion import Confusion, confusion
from services.review_queue.web.views.heat_map import figure, picture, table

LABELS = ["APPROVED", "DENIED", "PENDING", "REFERRED", "A", "B", "C", "D"]
LONG = "a_partial_approval_with_conditions_that_nobody_can_remember"
STYLES = Path(services.review_queue.__file__).parent / "web" / "static" / "common" / "app.css"


def counted(size: int = 2, *, rows: str = "Experts", columns: str = "The model") -> Confusion:
    """Row and column of each cell can be read from its count: 11 is the first of the first."""
    pairs = [
        (row, column)
        for (down, row), (across, column) in product(enumerate(LABELS[:size]), repeat=2)
        for _ in range(10 * (down + 1) + across + 1)
    ]
    return confusion(pairs, labels=LABELS[:size], rows=rows, columns=columns)


def drawn(shown: Confusion) -> ElementTree.Element:
    return ElementTree.fromstring(picture(shown, name="x"))


def texts(element: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in element.iter("text")]


def cells(svg: ElementTree.Element) -> list[ElementTree.Element]:
    return [group for group in svg.iter("g") if group.get("class") in ("agree", "differ")]


def test_each_cell_says_its_count_its_share_and_in_words_what_it_is() -> None:
    found = cells(drawn(counted()))

    assert [(cell.get("class"), cell.findtext("title"), texts(cell)) for cell in found] == [
        ("agree", "Experts APPROVED, The model APPROVED: 11 of 23", ["11", "48%"]),
        ("differ", "Experts APPROVED, The model DENIED: 12 of 23", ["12", "52%"]),
        ("differ", "Experts DENIED, The model APPROVED: 21 of 43", ["21", "49%"]),
        ("agree", "Experts DENIED, The model DENIED: 22 of 43", ["22", "51%"]),
    ]


def test_a_cell_is_the_darker_the_larger_its_share_of_the_row() -> None:
    pairs = [*[("DENIED", "DENIED")] * 15, *[("DENIED", "APPROVED")] * 5, ("APPROVED", "APPROVED")]
    shown = confusion(pairs, labels=LABELS[:3], rows="Experts", columns="The model")
    darkness = [
        float(rect.get("fill-opacity", "")) for cell in cells(drawn(shown)) for rect in cell[1:2]
    ]

    assert darkness == [0.35, 0.04, 0.04, 0.20, 0.31, 0.04, 0.04, 0.04, 0.04]


@pytest.mark.parametrize("size", range(2, 9))
def test_every_cell_and_text_has_its_place_within_the_drawing(size: int) -> None:
    svg = drawn(counted(size))
    _, _, width, height = map(float, svg.get("viewBox", "").split())
    places = [re.findall(r"[\d.]+", cell.get("transform", "")) for cell in cells(svg)]
    corners = {(float(x), float(y)) for x, y in places}
    cell = cells(svg)[0][1]

    assert len(corners) == size**2
    assert max(x for x, _ in corners) + float(cell.get("width", "")) < width
    assert max(y for _, y in corners) + float(cell.get("height", "")) < height
    assert all(float(text.get("x", "")) < width for text in svg.iter("text"))
    assert all(float(text.get("y", "")) < height for text in svg.iter("text"))


def test_the_picture_has_a_name_and_a_description() -> None:
    svg = drawn(counted())

    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == svg[0].get("id") == "x-title"
    assert svg.get("aria-describedby") == svg[1].get("id") == "x-summary"
    assert (svg[0].tag, svg[0].text) == ("title", "Experts by row, The model by column")
    assert (svg[1].tag, svg[1].text) == ("desc", counted().summary)


def test_a_long_label_is_broken_in_the_picture_and_whole_in_the_table() -> None:
    shown = confusion([(LONG, "B")], labels=[LONG, "B"], rows="Experts", columns="The model")
    heads = [text for text in texts(drawn(shown)) if text not in ("Experts", "The model", "All")]

    assert heads[:3] == ["a partial", "approval", "with…"]
    assert all(len(text) <= 11 for text in heads)
    assert f'<th scope="row">{LONG}</th>' in table(shown)


def test_a_long_name_of_a_side_stays_within_the_drawing() -> None:
    svg = drawn(counted(rows="Maria Magdalena of the second floor", columns="E" * 64))

    assert "Maria Magda…" in texts(svg)
    assert "E" * 19 + "…" in texts(svg)
    assert "Maria Magdalena of the second floor" in (svg[0].text or "")


def test_the_table_has_every_number() -> None:
    found = ElementTree.fromstring(table(counted()))

    assert found.findtext("caption") == "Experts by row, The model by column"
    assert [["".join(cell.itertext()) for cell in row] for row in found.iter("tr")] == [
        ["Experts", "APPROVED", "DENIED", "All"],
        ["APPROVED", "11", "12", "23"],
        ["DENIED", "21", "22", "43"],
    ]
    assert {head.get("scope") for head in found.iter("th")} == {"col", "row"}


def test_what_labels_and_names_say_is_never_markup() -> None:
    attack = '"><script>alert(1)</script>'
    shown = confusion([(attack, "B")], labels=[attack, "B"], rows=attack, columns=attack)
    html = figure(shown, name="x")

    assert "<script" not in html
    assert ElementTree.fromstring(html).findtext(".//caption") == (
        f"{attack} by row, {attack} by column"
    )


def test_a_figure_obeys_the_policy_of_the_pages() -> None:
    html = figure(counted(), name="x")

    assert "style" not in html
    assert "<script" not in html


def test_without_pairs_the_picture_says_so() -> None:
    empty = confusion([], labels=LABELS[:2], rows="Experts", columns="The model")

    assert drawn(empty)[1].text == "Nothing to compare yet."
    assert [texts(cell) for cell in cells(drawn(empty))] == [["0"]] * 4


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("color", ["ink", "positive", "negative"])
def test_text_on_the_darkest_cell_has_the_contrast_of_wcag_aa(color: str, theme: int) -> None:
    found = re.findall(r"--([\w-]+): light-dark\(#(\w{6}), #(\w{6})\)", STYLES.read_text())
    colors = {name: bytes.fromhex(pair[theme]) for name, *pair in found}
    perfect = confusion([("A", "A"), ("B", "B")], labels="AB", rows="Experts", columns="The model")
    darkness = max(float(rect.get("fill-opacity", "")) for rect in drawn(perfect).iter("rect"))
    behind = [
        darkness * over + (1 - darkness) * under
        for over, under in zip(colors[color], colors["surface"], strict=True)
    ]
    light = sorted((luminance(behind), luminance(list(colors["ink"]))))

    assert (light[1] + 0.05) / (light[0] + 0.05) >= 4.5


def luminance(color: list[float]) -> float:
    """Relative luminance as WCAG 2 defines it."""
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in (value / 255 for value in color)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
