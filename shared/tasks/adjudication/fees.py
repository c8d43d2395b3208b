"""What a policy allows for the procedures of a claim, by the fee schedule. In US dollars."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.policy import FeeRule, Policy, fee_schedule


@dataclass(frozen=True)
class Line:
    """One procedure code of a claim; a repeated code is a further unit."""

    code: str
    category: str | None
    units: int
    fee: Decimal | None  # for one unit; None where none is agreed
    allowed: Decimal


@dataclass(frozen=True)
class Allowance:
    """What `rule` allows for a claim. Above `itemize_above` an itemized bill is due."""

    rule: FeeRule
    lines: tuple[Line, ...]
    total: Decimal
    itemize_above: Decimal

    @property
    def without_fee(self) -> tuple[str, ...]:
        """The codes for which no fee is agreed; the total says nothing of them."""
        return tuple(line.code for line in self.lines if line.fee is None)


def allowance(claim: ClaimInput, policy: Policy) -> Allowance | None:
    """None if the policy had no rule for fees on the day of service."""
    rules = policy.in_effect(FeeRule, claim.service_date)
    if not rules:
        return None
    total = _allowed(claim.procedure_codes, rules[0])
    units = Counter(claim.procedure_codes)
    return Allowance(
        rule=rules[0],
        lines=tuple(_line(code, count, rules[0]) for code, count in units.items()),
        total=total,
        itemize_above=_percent(total, rules[0].itemize_above),
    )


def _line(code: str, units: int, rule: FeeRule) -> Line:
    schedule = fee_schedule()
    category = schedule.category_of(code)
    fee = schedule.fee(code) if category else None
    return Line(code, category, units, fee, _allowed([code] * units, rule))


def _allowed(codes: Iterable[str], rule: FeeRule) -> Decimal:
    return _percent(sum(map(fee_schedule().fee, codes), Decimal(0)), rule.percent)


def _percent(amount: Decimal, percent: int) -> Decimal:
    return (amount * percent / 100).quantize(Decimal("0.01"))
