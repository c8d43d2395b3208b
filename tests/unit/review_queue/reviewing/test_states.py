"""The table of states: what the seats and their assignments can go through, all of it."""

import re
from itertools import product
from pathlib import Path
from typing import get_args

from services.review_queue.app import MIGRATIONS
from services.review_queue.reviewing.consensus import KINDS_IN_ORDER
from services.review_queue.reviewing.states import (
    ESCALATE,
    EXPIRE,
    LEASE,
    RELEASE,
    SETTLE,
    STEPS,
    SUBMIT,
    UNDO,
    WITHDRAW,
    AssignmentState,
    Kind,
    SeatState,
)

SEATS = get_args(SeatState)
LIVE = {"leased", "submitted"}
ENDS = {"answered", "withdrawn"}


def test_the_steps_are_these_and_no_others() -> None:
    assert {
        (step.before, step.after): step.assignment for step in (LEASE, SUBMIT, UNDO, SETTLE)
    } == {
        ("queued", "leased"): "leased",
        ("leased", "submitted"): "submitted",
        ("submitted", "leased"): "leased",
        ("submitted", "answered"): "answered",
    }
    assert {(step.before, step.after) for step in (EXPIRE, RELEASE, ESCALATE)} == {
        ("leased", "queued")
    }
    assert len({step.assignment for step in (EXPIRE, RELEASE, ESCALATE)}) == 3
    assert (WITHDRAW.before, WITHDRAW.after, WITHDRAW.assignment) == ("queued", "withdrawn", None)
    assert len(STEPS) == len(set(STEPS)) == 8


def test_a_seat_is_held_exactly_while_somebody_holds_it() -> None:
    for step in STEPS:
        assert (step.after in LIVE) is (step.assignment in LIVE)
        if step.after in LIVE:
            assert step.after == step.assignment


def test_every_state_can_be_reached_and_only_two_are_the_end() -> None:
    reached = {"queued"}
    for _ in SEATS:
        reached |= {step.after for step in STEPS if step.before in reached}
    ends = set(SEATS) - {step.before for step in STEPS}

    assert reached == set(SEATS)
    assert ends == ENDS


def test_from_everywhere_a_seat_can_still_be_answered() -> None:
    ways = {(step.before, step.after) for step in STEPS}
    for _ in SEATS:
        ways |= {(a, d) for (a, b), (c, d) in product(ways, ways) if b == c}

    assert {before for before, after in ways if after == "answered"} == set(SEATS) - ENDS


def test_the_database_knows_the_same_states() -> None:
    tables = (MIGRATIONS / "0001_queue.sql").read_text()
    seats, assignments = (
        tables.split(f"CREATE TABLE review_queue.{name} ")[1].split(");\nCREATE")[0]
        for name in ("seats", "assignments")
    )

    assert values((MIGRATIONS / "0006_final_words.sql").read_text(), "state") == set(SEATS)
    assert values(seats, "kind") == set(get_args(Kind)) == set(KINDS_IN_ORDER)
    assert values(assignments, "state") == set(get_args(AssignmentState))


def values(table: str, column: str) -> set[str]:
    """What a column's constraint allows."""
    found = re.search(rf"\b{column} IN \(([^)]*)\)", table)
    assert found
    return set(re.findall(r"'(\w+)'", found.group(1)))


def test_no_statement_names_a_state_by_itself_where_it_changes_one() -> None:
    """Every UPDATE of a state takes it from the table of steps."""
    statements = [
        (path.name, state)
        for path in Path(MIGRATIONS).parent.rglob("*.py")
        for state in re.findall(r"SET state = (\S+)", path.read_text())
    ]

    assert len(statements) >= len(STEPS)
    for name, state in statements:
        assert state.startswith(("'{", "$")), (name, state)
