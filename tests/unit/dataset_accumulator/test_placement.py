"""Neither a group nor a content lies on two sides, in whatever order labels come."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from services.dataset_accumulator.labels import CaseLabel, label_of_review, text_hash
from services.dataset_accumulator.placement import Placement, Sides
from services.dataset_accumulator.splits import import_splits, read_shares
from shared.storage.datasets import SPLITS
from tests.support.builders.events import ADJUDICATION, KEY, claim_input
from tests.support.builders.reviews import completed

TEMPLATE = label_of_review(completed())
HALVES = read_shares("train=0.5,test=0.5")


def label(member: int, content: int, source: str = "review") -> CaseLabel:
    return replace(
        TEMPLATE,
        group_id=f"member:{member}",
        text_sha256=f"content-{content}",
        source="import" if source == "import" else "review",
    )


def sides(*, may_test: bool = False) -> Sides:
    return Sides({}, {}, KEY, import_splits(may_test=may_test))


Arrivals = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.sampled_from(["review", "import"])),
    max_size=30,
)


@given(arrivals=Arrivals, may_test=st.booleans())
def test_nothing_lies_on_two_sides(arrivals: list[tuple[int, int, str]], may_test: bool) -> None:
    shared = sides(may_test=may_test)
    labels = [label(*arrival) for arrival in arrivals]
    placed = [(each, shared.place(each, HALVES)) for each in labels]

    for name in ("group_id", "text_sha256"):
        found: dict[str, set[str]] = {}
        for each, placement in placed:
            if placement.withheld == "repeated":
                found.setdefault(getattr(each, name), set()).add(placement.split)
        assert all(len(of_one) == 1 for of_one in found.values())
    allowed = {"train", "test"} if may_test else {"train"}
    assert {
        placement.split
        for each, placement in placed
        if each.source == "import" and placement.withheld == "repeated"
    } <= allowed


def test_a_new_member_goes_where_their_content_lies() -> None:
    shared = sides()
    first = shared.place(label(1, 1), HALVES)

    copies = [shared.place(label(member, 1), HALVES) for member in range(2, 200)]

    assert set(copies) == {Placement(first.split, "repeated")}


def test_what_is_fixed_to_two_sides_is_withheld_and_stays_there() -> None:
    shared = sides()
    shared.place(label(1, 1), read_shares("train=1"))
    shared.place(label(2, 2), read_shares("test=1"))

    assert shared.place(label(1, 2), HALVES) == Placement("train", "two_sides")
    assert shared.place(label(2, 2), HALVES) == Placement("test", "repeated")


def test_an_import_is_never_drawn_to_the_content_that_tests() -> None:
    """Whoever copies held-out cases into a file moves nobody to their side."""
    shared = sides()
    shared.place(label(1, 1), read_shares("test=1"))

    assert shared.place(label(2, 1, "import"), read_shares("train=1")) == Placement(
        "train", "two_sides"
    )
    for split in SPLITS:
        shared.groups["adjudication", f"member:{split}"] = split
    held_out = replace(label(0, 7, "import"), group_id="member:certification")
    assert shared.place(held_out, HALVES) == Placement("certification", "held_out")
    assert ("adjudication", "content-7") not in shared.contents


def test_ids_spelling_and_order_make_no_other_content() -> None:
    example = claim_input()
    note = example["clinical_note"]
    first, second = note.split(". ", 1)
    same = {
        text_hash(ADJUDICATION, claim_input(**changes))
        for changes in (
            {},
            {"claim_id": "CLM-99"},
            {"member_id": "M-99"},
            {"clinical_note": f" {note.upper()}\n"},
            {"clinical_note": note.replace(" ", "\u200b \u2060").replace("e", "ｅ")},
            {"clinical_note": f"{second.rstrip('.')} - {first}"},
            {"procedure_codes": example["procedure_codes"][::-1]},
            {"billed_amount": "118.0"},
        )
    }

    assert len(same) == 1
    for other in ({"clinical_note": "Other."}, {"billed_amount": "180.10"}):
        assert text_hash(ADJUDICATION, claim_input(**other)) not in same
