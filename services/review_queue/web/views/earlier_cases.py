"""How the earlier cases of the same member are shown: what each was about, and what became of it.

What it was about says the task's own summary.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.review_queue.reading.member_history import HistoryEntry
from services.review_queue.web.views.case_facts import FieldView, fields, heading
from services.review_queue.web.views.case_view import spoken
from shared.tasks import get_task


@dataclass(frozen=True)
class EarlierCase:
    """One earlier case. Without a label it is not decided yet."""

    title: str
    submitted_at: datetime
    fields: tuple[FieldView, ...]
    label: str | None
    decided_by: str | None
    corrected: bool


@dataclass(frozen=True)
class EarlierView:
    """The earlier cases, the newest first. `outcomes`: how they ended, in a few words."""

    columns: tuple[str, ...]
    cases: tuple[EarlierCase, ...]
    outcomes: str


def earlier_views(task_name: str, cases: Sequence[HistoryEntry]) -> EarlierView:
    task = get_task(task_name)
    views = tuple(
        EarlierCase(
            title=each.claim_id or each.case_id,
            submitted_at=each.submitted_at,
            fields=fields(task, task.presentation.summary, each.summary),
            label=each.label,
            decided_by=each.decided_by,
            corrected=each.corrected,
        )
        for each in cases
    )
    return EarlierView(
        tuple(heading(name) for name in task.presentation.summary), views, _outcomes(views)
    )


def _outcomes(cases: Sequence[EarlierCase]) -> str:
    ends = Counter(spoken(case.label).lower() if case.label else "not decided" for case in cases)
    return ", ".join(f"{times} {end}" for end, times in ends.most_common())
