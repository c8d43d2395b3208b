"""Every kind of judgment that Caseloop knows. `TASKS` is the whole list."""

from shared.errors import Rejected
from shared.tasks.adjudication import ADJUDICATION
from shared.tasks.independent_review import INDEPENDENT_REVIEW
from shared.tasks.task import Task

TASKS: dict[str, Task] = {task.name: task for task in (ADJUDICATION, INDEPENDENT_REVIEW)}


def get_task(name: str) -> Task:
    """The task of that name; `Rejected` lists those that exist."""
    try:
        return TASKS[name]
    except KeyError:
        known = ", ".join(sorted(TASKS))
        raise Rejected(f"no such task; tasks are {known}", field="task") from None
