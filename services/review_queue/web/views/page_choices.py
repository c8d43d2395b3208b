"""What can be chosen in the forms of the pages: each value with its words."""

from collections.abc import Sequence
from typing import get_args

from services.review_queue.agreement.ratings import Basis
from services.review_queue.api.queries import AGES
from services.review_queue.people.audit import Action
from services.review_queue.reviewing.states import SeatState
from services.review_queue.web.views.case_view import REASONS, words
from services.review_queue.web.views.queue_texts import KINDS, PRIORITIES, STATES
from shared.tasks import TASKS

Choices = Sequence[tuple[str, str]]

STATE_NAMES: dict[SeatState, str] = {**STATES, "answered": "Done", "withdrawn": "Not needed"}
_AGE_NAMES = {"1h": "1 hour", "4h": "4 hours", "1d": "1 day", "3d": "3 days", "7d": "7 days"}
_NEVER_LISTED = ("confident", "audit")  # not reviewed, and always blind
BASES: dict[Basis, str] = {
    "independent": "Before the model was seen",
    "all": "All, including those with its draft in view",
}


def tasks() -> Choices:
    return [(task.name, task.title) for task in TASKS.values()]


def seat_choices() -> dict[str, Choices]:
    """By the name of the filter."""
    return {
        "task": tasks(),
        "state": list(STATE_NAMES.items()),
        "kind": [(kind, title) for kind, (title, _) in KINDS.items()],
        "reason": [(n, title) for n, (title, _) in REASONS.items() if n not in _NEVER_LISTED],
        "priority": [(str(number), name) for number, name in PRIORITIES.items()],
        "waiting": [(age, f"more than {_AGE_NAMES[age]} ago") for age in AGES],
    }


def days(*numbers: int) -> Choices:
    return [(str(n), "24 hours" if n == 1 else f"{n} days") for n in numbers]


def actions() -> Choices:
    return [(action, words(action)) for action in get_args(Action)]
