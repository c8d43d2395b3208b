"""The form of a correction: everything that a label can need, filled with what stands now.

What is posted becomes the same `NewCorrection` that the API takes: nothing is checked twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Self

from pydantic import ValidationError

from services.review_queue.api.assignment_schemas import NewCorrection
from services.review_queue.reading.case_rules import rules_of
from services.review_queue.reviewing.corrections import ReopenedDecision
from services.review_queue.reviewing.opinions import requirements_of
from services.review_queue.web.views.case_view import OptionView, options
from shared.errors import Rejected
from shared.events import Case, Criterion
from shared.tasks import get_task
from shared.tasks.presentation import Rule
from shared.tasks.task import Task

# The criterion's own fields, where none of the case's rules is quoted.
_QUOTED = ("source", "version", "effective_date", "text")


@dataclass(frozen=True)
class CorrectionForm:
    options: tuple[OptionView, ...]
    rules: tuple[Rule, ...]
    amount_at_stake: Decimal | None

    @classmethod
    def of(cls, task: Task, case: Case) -> Self:
        return cls(options(task), rules_of(task, case.input), case.amount_at_stake)

    def labels_that_need(self, name: str) -> tuple[str, ...]:
        labels = [each.label for each in self.options]
        return tuple(
            label.name if name in label.needs else f"{label.name} in part"
            for label in labels
            if name in (*label.needs, *label.needs_in_part)
        )


def written(reopened: ReopenedDecision, task: Task) -> dict[str, str]:
    """The form's fields as the decision stands."""
    answer, quoted = reopened.answer, reopened.answer.criterion
    values: dict[str, object] = {
        "label": answer.label,
        "reasoning": answer.reasoning,
        "reason_code": answer.reason_code,
        "approved_amount": answer.approved_amount,
        "clinical_basis": answer.clinical_basis,
        "supersedes_revision": reopened.revision,
    }
    if quoted is not None:
        rules = rules_of(task, reopened.request.case.input)
        rule = next((each for each in rules if _quote(each) == quoted), None)
        values["rule"] = rule.rule_id if rule else "other"
        if rule is None:
            values |= {f"criterion_{name}": getattr(quoted, name) for name in _QUOTED}
    return {name: str(value) for name, value in values.items() if value is not None}


def parse(form: Mapping[str, str], case: Case) -> NewCorrection:
    """`Rejected` names the field of the form. What the label does not ask for stays out: it was
    written for another one."""
    given = {name: value for name, value in form.items() if value.strip()}
    fields: dict[str, Any] = {
        "label": given.get("label", ""),
        "reasoning": given.get("reasoning", ""),
        "reason_code": given.get("reason_code"),
        "approved_amount": given.get("approved_amount"),
        "clinical_basis": given.get("clinical_basis"),
        "criterion": _criterion(given, case),
        "why": given.get("why", ""),
        "supersedes_revision": given.get("supersedes_revision"),
    }
    try:
        corrected = NewCorrection.model_validate(fields)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Rejected(_message(first), field=_field(first["loc"])) from None
    unasked = {"criterion", "clinical_basis"}.difference(requirements_of(corrected.answer(), case))
    return corrected.model_copy(update=dict.fromkeys(unasked))


def _criterion(given: Mapping[str, str], case: Case) -> dict[str, Any] | None:
    chosen = given.get("rule")
    if chosen is None:
        return None
    if chosen == "other":
        return {name: given.get(f"criterion_{name}", "") for name in _QUOTED}
    for rule in rules_of(get_task(case.task), case.input):
        if rule.rule_id == chosen:
            return _quote(rule).model_dump()
    raise Rejected("no rule of this case", field="rule")


def _quote(rule: Rule) -> Criterion:
    return Criterion(
        source=rule.source,
        version=rule.version,
        effective_date=rule.effective_date.isoformat(),
        text=rule.text,
    )


def _message(error: Any) -> str:
    empty = error["type"] in ("string_too_short", "too_short")
    return "must not be empty" if empty else str(error["msg"])


def _field(location: tuple[int | str, ...]) -> str:
    return "_".join(str(part) for part in location)
