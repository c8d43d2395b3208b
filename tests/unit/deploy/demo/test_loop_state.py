"""What the demonstration counts, fed with records that must never be: it has to see them."""

import json
from typing import Any

from deploy.demo.loop_state import LoopState
from shared.events import DecisionMade
from shared.messaging.encoding import encode
from shared.messaging.topics import CASES_SUBMITTED, DECISIONS_MADE
from tests.support.builders.events import decision, submitted


def value(event: DecisionMade, **changes: Any) -> bytes:
    """The record of an event, or of one that its own type would refuse."""
    content = json.loads(encode(event, source="test").value)
    return json.dumps({**content, **changes}).encode() if changes else json.dumps(content).encode()


def loop_with(*values: bytes) -> LoopState:
    loop = LoopState("adjudication", own={"case-1", "case-2"})
    for each in values:
        loop.read(DECISIONS_MADE, each)
    return loop


def counts(loop: LoopState) -> tuple[int, int, int, int]:
    return loop.decided, loop.doubled, loop.adverse_automatic, len(loop.unreadable)


def test_a_decision_that_is_sent_again_counts_once() -> None:
    sent = value(decision())

    assert counts(loop_with(sent, sent)) == (1, 0, 0, 0)


def test_a_second_decision_of_a_case_is_seen_although_its_id_is_the_same() -> None:
    first, second = decision(), decision(decided_by="human", reviewer="amara", label="DENIED")

    assert first.event_id == second.event_id
    assert counts(loop_with(value(first), value(second))) == (1, 1, 0, 0)


def test_a_models_adverse_decision_is_seen_although_it_is_no_event() -> None:
    against = value(decision(), label="DENIED", adverse=True)

    assert counts(loop_with(against, against)) == (0, 0, 1, 1)


def test_what_a_human_decides_or_another_task_is_no_automatic_decision() -> None:
    human = value(decision(decided_by="human", reviewer="amara", label="DENIED"))
    other = value(decision("case-2"), task="independent_review", label="DENIED")

    assert counts(loop_with(human, other)) == (1, 0, 0, 1)


def test_decisions_that_nobody_can_read_show() -> None:
    loop = loop_with(b"garbage", b"[]", value(decision(), label="PERHAPS"), b"")

    assert counts(loop) == (0, 0, 0, 4)


def test_a_case_that_somebody_else_handed_in_is_not_waited_for() -> None:
    loop = LoopState("adjudication", own={"case-1"})
    for case_id in ("case-1", "somebodys-own"):
        loop.read(CASES_SUBMITTED, submitted(case_id).model_dump_json().encode())

    assert loop.lost == 1
    loop.read(DECISIONS_MADE, value(decision("case-1")))
    loop.read(DECISIONS_MADE, value(decision("somebodys-own")))
    assert (len(loop.submitted), loop.lost, loop.decided) == (1, 0, 1)
