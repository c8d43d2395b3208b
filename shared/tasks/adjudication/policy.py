"""Policies and the fee schedule: versioned YAML beside this file, validated when first needed.

A rule counts for a claim if it was in effect on the day of service, whatever today is. Its `text`
is the policy's own wording, which an adjudicator quotes; the other fields say the same for the
edits. To plug in a policy of your own, add its file to `policies/`.

Every policy says what it covers and what it pays. A kind of rule that it uses must be in force on
every day of service, or the claims of that day are unchecked: that nothing needs authorization any
more is said by a rule that names no category. A kind that it never uses is not asked for.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, model_validator

from shared.tasks.adjudication.codes import ProcedureCode, without_modifiers
from shared.tasks.fields import ShortText, SingleWord, Text, compared

_HERE = Path(__file__).parent


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Rule(_Frozen):
    id: SingleWord
    effective: date
    ends: date | None = None
    text: Annotated[Text, Field(min_length=1, max_length=2000)]

    def in_effect(self, day: date) -> bool:
        return self.effective <= day and (self.ends is None or day <= self.ends)


class Coverage(_Rule):
    kind: Literal["coverage"]
    categories: frozenset[str]


class Exclusion(_Rule):
    """Excluded procedures, and diagnoses by the beginning of their code."""

    kind: Literal["exclusion"]
    procedure_codes: frozenset[ProcedureCode]
    diagnosis_codes: tuple[str, ...]
    wording: ShortText

    def excludes(self, procedure_codes: Sequence[str], diagnosis_codes: Sequence[str]) -> bool:
        procedure = not self.procedure_codes.isdisjoint(map(without_modifiers, procedure_codes))
        return procedure or any(code.startswith(self.diagnosis_codes) for code in diagnosis_codes)


class Authorization(_Rule):
    kind: Literal["authorization"]
    categories: frozenset[str]


class Limit(_Rule):
    """At most so many units of a category in one claim; a repeated code is a further unit."""

    kind: Literal["limit"]
    category: str
    units: PositiveInt


class FeeRule(_Rule):
    """Pays `percent` of the schedule; asks for an itemized bill above that share of it."""

    kind: Literal["fee_schedule"]
    percent: PositiveInt
    itemize_above: PositiveInt


PolicyRule = Coverage | Exclusion | Authorization | Limit | FeeRule
RuleKind = TypeVar("RuleKind", bound=_Rule)


class Policy(_Frozen):
    policy_id: SingleWord
    title: ShortText
    version: PositiveInt
    effective: date
    rules: tuple[Annotated[PolicyRule, Field(discriminator="kind")], ...]

    @model_validator(mode="after")
    def _one_rule_an_id(self) -> "Policy":
        if len({rule.id for rule in self.rules}) < len(self.rules):
            raise ValueError(f"{self.policy_id} has two rules of one id")
        return self

    @model_validator(mode="after")
    def _says_what_is_covered_and_paid(self) -> "Policy":
        if not (self.uses(Coverage) and self.uses(FeeRule)):
            raise ValueError(f"{self.policy_id} needs rules of the kinds coverage and fee_schedule")
        return self

    def uses(self, kind: type[_Rule]) -> bool:
        """Whether it has a rule of that kind on any day."""
        return any(isinstance(rule, kind) for rule in self.rules)

    def in_effect(self, kind: type[RuleKind], day: date) -> tuple[RuleKind, ...]:
        """The rules of one kind that count for a service on that day, in the file's order."""
        return tuple(r for r in self.rules if isinstance(r, kind) and r.in_effect(day))


class Category(_Frozen):
    wording: ShortText
    fees: Mapping[ProcedureCode, Decimal]


class FeeSchedule(_Frozen):
    version: str
    effective: date
    categories: Mapping[str, Category]
    modifiers: frozenset[str] = frozenset()  # that change no fee; of others no rule says anything

    @model_validator(mode="after")
    def _one_category_a_code(self) -> "FeeSchedule":
        codes = [code for category in self.categories.values() for code in category.fees]
        if len(set(codes)) < len(codes):
            raise ValueError("a procedure code is in two categories of the fee schedule")
        return self

    @cached_property
    def _category_of(self) -> Mapping[str, str]:
        return {code: name for name, each in self.categories.items() for code in each.fees}

    def category_of(self, procedure_code: str) -> str | None:
        return self._category_of.get(without_modifiers(procedure_code))

    def categories_of(self, procedure_codes: Sequence[str]) -> tuple[str, ...]:
        """The categories of these codes, each once, in the order of the codes."""
        categories = map(self.category_of, procedure_codes)
        return tuple(dict.fromkeys(category for category in categories if category))

    def wording(self, category: str) -> str:
        return self.categories[category].wording

    def fee(self, procedure_code: str) -> Decimal:
        category = self.category_of(procedure_code)
        code = without_modifiers(procedure_code)
        return self.categories[category].fees[code] if category else Decimal(0)


@cache
def fee_schedule() -> FeeSchedule:
    text = (_HERE / "fee_schedule.yaml").read_text(encoding="utf-8")
    return FeeSchedule.model_validate(yaml.safe_load(text))


@cache
def policies() -> Mapping[str, Policy]:
    """Every policy by its id; a category that the fee schedule lacks is refused."""
    by_id: dict[str, Policy] = {}
    for file in sorted((_HERE / "policies").glob("*.yaml")):
        policy = Policy.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))
        _check_categories(policy, fee_schedule())
        if policy.policy_id in by_id:
            raise ValueError(f"{file.name}: there is another policy {policy.policy_id}")
        by_id[policy.policy_id] = policy
    return by_id


def policy_of(policy_id: str) -> Policy | None:
    """The policy of that id, however it is written; None if we do not hold it."""
    return _by_key().get(compared(policy_id))


@cache
def _by_key() -> Mapping[str, Policy]:
    by_key = {compared(policy_id): policy for policy_id, policy in policies().items()}
    if len(by_key) < len(policies()):
        raise ValueError("two policies have ids that differ in case, spaces or dashes only")
    return by_key


def _check_categories(policy: Policy, schedule: FeeSchedule) -> None:
    for rule in policy.rules:
        named = {rule.category} if isinstance(rule, Limit) else getattr(rule, "categories", set())
        if unknown := set(named) - set(schedule.categories):
            raise ValueError(f"{rule.id}: the fee schedule has no category {min(unknown)}")
