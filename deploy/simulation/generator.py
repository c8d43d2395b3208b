"""Simulated claims: a stream that depends on the seed alone, each claim made without the others.

Facts come first (member, service, codes, amount, note), then the edits of the policy, then the
expert's decision on both. README.md in this folder says what is real and what is invented.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from deploy.simulation.billing import bill, choose_service
from deploy.simulation.catalog import services
from deploy.simulation.expert import Judgment, by_bulletin, dissent, judge_claim
from deploy.simulation.members import member_of
from deploy.simulation.notes import ClinicalNote, write_note
from shared.tasks.adjudication.history import OPTIONAL_COLUMNS
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.policy import fee_schedule
from shared.tasks.adjudication.standing import complete

FIRST_DAY = date(2026, 6, 1)
CLAIMS_A_DAY = 40
DISSENT = 0.04  # how often an expert disagrees with policy, edits and note


@dataclass(frozen=True)
class Drift:
    """What changes from claim number `from_claim` on.

    `mix` multiplies the weight of a service category. Experts deny what is in `bulletin` from
    then on, a rule that no edit knows yet: only labels can teach it to a model.
    """

    from_claim: int
    mix: Mapping[str, float] = field(default_factory=dict)
    bulletin: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        known = {service.category for service in services()}
        if unknown := (set(self.mix) | self.bulletin) - known:
            raise ValueError(f"no service category {min(unknown)!r}; there are {sorted(known)}")


@dataclass(frozen=True)
class SimulatedClaim:
    input: ClaimInput
    label: str
    reasoning: str
    reason_code: str
    evidence: Mapping[str, str]

    def history_row(self) -> dict[str, str]:
        """The claim in the columns of a history file; the import computes the edits again."""
        claim = self.input
        return {
            "claim_id": claim.claim_id,
            "policy_id": claim.policy_id,
            "diagnosis_codes": ";".join(claim.diagnosis_codes),
            "procedure_codes": ";".join(claim.procedure_codes),
            "claim_amount": str(claim.billed_amount),
            "service_date": claim.service_date.isoformat(),
            "adjudication_decision": self.reasoning,
            "final_decision": self.label,
            **self.evidence,
            **{column: getattr(claim, column) or "" for column in OPTIONAL_COLUMNS},
        }


@dataclass(frozen=True)
class Simulation:
    """The claims of one seed. The same seed and drift give the same claims forever."""

    seed: int
    drift: Drift | None = None

    def claims(self, *, count: int, start: int = 0) -> Iterator[SimulatedClaim]:
        return (self.claim(index) for index in range(start, start + count))

    def claim(self, index: int) -> SimulatedClaim:
        """Claim number `index`, from 0."""
        random = Random(f"claim {self.seed} {index}")
        drift = self.drift if self.drift and index >= self.drift.from_claim else Drift(index)
        member = member_of(seed=self.seed, index=index)
        day = FIRST_DAY + timedelta(days=index // CLAIMS_A_DAY)
        service = choose_service(member, day, mix=drift.mix, random=random)
        presentation = random.choice(service.presentations)
        note = write_note(service, presentation, age=member.age, random=random)
        billed = bill(
            service,
            presentation,
            member,
            claim_id=f"S{self.seed}-{index:07d}",
            day=day,
            note=note,
            random=random,
        )
        claim = complete(billed)
        judgment = _judge_under(drift, claim, note, category=service.category)
        if random.random() < DISSENT:
            judgment = dissent(judgment, random)
        return _decided(claim, judgment)


def _judge_under(drift: Drift, claim: ClaimInput, note: ClinicalNote, *, category: str) -> Judgment:
    if category in drift.bulletin:
        return by_bulletin(fee_schedule().categories[category].wording)
    return judge_claim(claim, note)


def _decided(claim: ClaimInput, judgment: Judgment) -> SimulatedClaim:
    return SimulatedClaim(
        input=claim,
        label=judgment.label,
        reasoning=judgment.reasoning,
        reason_code=judgment.reason_code,
        evidence={"medical_analysis": judgment.analysis},
    )


def simulated_claims(
    *, seed: int, count: int, start: int = 0, drift: Drift | None = None
) -> Iterator[SimulatedClaim]:
    """Claims number `start` to `start + count - 1` of that seed, one after the other."""
    return Simulation(seed, drift).claims(count=count, start=start)
