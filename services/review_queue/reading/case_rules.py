"""The rules that bear on a case, also where its task no longer takes it: then there are none."""

from collections.abc import Mapping
from typing import Any

from shared.errors import Rejected
from shared.tasks.presentation import Rule
from shared.tasks.task import Task


def rules_of(task: Task, content: Mapping[str, Any]) -> tuple[Rule, ...]:
    try:
        return task.presentation.rules_of(task.validate(content))
    except Rejected:
        return ()
