"""What a simulated provider bills: a service of the catalog under the member's policy."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from functools import cache
from random import Random

from deploy.simulation.catalog import ClinicalPresentation, Service, real_procedures, services
from deploy.simulation.members import Member, provider_npi
from deploy.simulation.notes import ClinicalNote
from shared.tasks.adjudication import icd10
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.policy import (
    Authorization,
    Coverage,
    FeeRule,
    Policy,
    fee_schedule,
    policies,
)

# How often a thing happens, out of 1.
UNCOVERED_WEIGHT = 0.25  # providers know what a policy covers, and bill the rest less often
AUTHORIZED = 0.8  # of the services that need prior authorization
AUTHORIZED_NEEDLESSLY = 0.05
COARSE_DIAGNOSIS = 0.02  # a category is billed where a finer code is due
UNLISTED_PROCEDURE = 0.015  # a real number for which the fee schedule has no fee
OVERBILLED = 0.025


def choose_service(
    member: Member, day: date, *, mix: Mapping[str, float], random: Random
) -> Service:
    """A service by its weight in the catalog, times `mix`, less often one not covered."""
    covered = _categories(policies()[member.policy_id], Coverage, day)
    possible = [service for service in services() if _fits(member.age, service)]
    weights = [
        service.weight
        * mix.get(service.category, 1.0)
        * (1.0 if service.category in covered else UNCOVERED_WEIGHT)
        for service in possible
    ]
    return random.choices(possible, weights=weights)[0]


def _fits(age: int, service: Service) -> bool:
    youngest, oldest = service.ages
    return youngest <= age <= oldest


def bill(
    service: Service,
    presentation: ClinicalPresentation,
    member: Member,
    *,
    claim_id: str,
    day: date,
    note: ClinicalNote,
    random: Random,
) -> ClaimInput:
    """The claim as it comes in, without edits."""
    policy = policies()[member.policy_id]
    procedures = _procedures(service, presentation, random)
    needs = service.category in _categories(policy, Authorization, day)
    authorized = random.random() < (AUTHORIZED if needs else AUTHORIZED_NEEDLESSLY)
    return ClaimInput(
        claim_id=claim_id,
        member_id=member.member_id,
        policy_id=member.policy_id,
        provider_npi=provider_npi(category_number=services().index(service), random=random),
        service_date=day,
        diagnosis_codes=_diagnoses(presentation.diagnosis, random),
        procedure_codes=procedures,
        billed_amount=_amount(procedures, policy, day, random=random),
        prior_authorization=f"PA{random.randrange(10**6):06d}" if authorized else None,
        clinical_note=note.text,
    )


def _categories(
    policy: Policy, kind: type[Coverage] | type[Authorization], day: date
) -> frozenset[str]:
    return frozenset().union(*(rule.categories for rule in policy.in_effect(kind, day)))


def _procedures(
    service: Service, presentation: ClinicalPresentation, random: Random
) -> tuple[str, ...]:
    code = random.choice(presentation.procedures or service.procedures)
    codes = [code] * random.choice(service.units)
    if random.random() < UNLISTED_PROCEDURE:
        codes.append(random.choice(_unlisted()))
    return tuple(codes)


@cache
def _unlisted() -> list[str]:
    schedule = fee_schedule()
    return [code for code in real_procedures() if schedule.category_of(code) is None]


def _diagnoses(code: str, random: Random) -> tuple[str, ...]:
    if random.random() < COARSE_DIAGNOSIS and icd10.standing(code[:3]) == "category":
        return (code[:3],)
    return (code,)


def _amount(procedures: tuple[str, ...], policy: Policy, day: date, *, random: Random) -> Decimal:
    """About what the policy pays, sometimes far more."""
    [rule] = policy.in_effect(FeeRule, day)
    listed = float(sum(map(fee_schedule().fee, procedures))) * rule.percent / 100
    overbilled = random.random() < OVERBILLED
    factor = random.uniform(1.9, 3.5) if overbilled else random.uniform(0.85, 1.35)
    return Decimal(round(max(listed * factor, 20.0))).quantize(Decimal("0.01"))
