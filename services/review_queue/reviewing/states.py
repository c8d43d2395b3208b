"""The states of a seat, and every step from one to another: nothing else changes a state, but what
`restoring.py` puts at its end at once.

A seat asks one reviewer for one opinion. Whoever holds it has an assignment, which ends with it.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from shared.events import SeatKind

SeatState = Literal["queued", "leased", "submitted", "answered", "withdrawn"]
AssignmentState = Literal["leased", "submitted", "answered", "released", "escalated", "expired"]
Kind: TypeAlias = SeatKind


@dataclass(frozen=True)
class Step:
    """What a step makes of the seat, and of the assignment that holds it, if there is one."""

    before: SeatState
    after: SeatState
    assignment: AssignmentState | None


LEASE = Step("queued", "leased", "leased")
EXPIRE = Step("leased", "queued", "expired")
RELEASE = Step("leased", "queued", "released")  # skipped, or the reviewer was paused
ESCALATE = Step("leased", "queued", "escalated")  # as the final seat of the review
SUBMIT = Step("leased", "submitted", "submitted")
UNDO = Step("submitted", "leased", "leased")
SETTLE = Step("submitted", "answered", "answered")
# The final word is asked for; what nobody has begun cannot change it any more.
WITHDRAW = Step("queued", "withdrawn", None)
STEPS = (LEASE, EXPIRE, RELEASE, ESCALATE, SUBMIT, UNDO, SETTLE, WITHDRAW)
