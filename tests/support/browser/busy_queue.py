"""A queue in the middle of a day: decided, disputed and waiting, as the pages are to be seen."""

from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

from deploy.simulation import SimulatedClaim
from services.review_queue.reviewing.review import Shares
from shared.events import ReviewRequested, review_id_of
from shared.tasks import TASKS
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.standing import complete
from tests.support.browser.colleague import Colleague, colleague
from tests.support.browser.simulated_requests import SIMULATION, asked
from tests.support.browser.workplace import Workplace
from tests.support.builders.events import case
from tests.support.draw_key import KEY

SHARES = Shares(overlap=0.5, blind=0.5)
_DECIDED, _WAITING = range(6700, 6860), range(6400, 6700)
_REVIEWERS = ("amara", "bo", "cleo", "sam")
# Everything came and was decided a while ago; the audit trail keeps its times, as it must.
_EARLIER_TODAY = """
UPDATE review_queue.opinions SET
    decided_at = decided_at - ((extract(epoch FROM now() - decided_at) * 1300)::int % 25000 + 60)
        * interval '1 second',
    dwell_seconds = 35 + abs(hashtext(review_id || reviewer)) % 240
"""

# A claim with something of everything: it is the README's picture.
PICTURED = SimulatedClaim(
    input=complete(
        ClaimInput(
            claim_id="S11-0006935",
            member_id="M11-04127",
            policy_id="CHOICE-PPO",
            provider_npi="1841739204",
            service_date=date(2026, 11, 9),
            diagnosis_codes=("J34.2", "M95.0"),
            procedure_codes=("30400", "30520"),
            billed_amount=Decimal("2480.00"),
            prior_authorization="PA-558201",
            clinical_note=(
                "Nasal obstruction on the left since an injury in 2024, worse at night; sleeps "
                "with the mouth open. Six weeks of a steroid spray brought little relief. "
                "Endoscopy shows a deviated septum with contact to the lower turbinate. Asks for "
                "the hump to be taken down and the tip to be refined in the same session. "
                "Photographs enclosed."
            ),
        )
    ),
    label="DENIED",
    reasoning="The procedure for the shape of the nose is a cosmetic service, which is excluded.",
    reason_code="EXCLUDED",
    evidence={},
)


def waiting(*, blind: bool, twice: bool, minutes: float) -> ReviewRequested:
    """A denial in line for which the draws are as wanted."""
    claims = (SIMULATION.claim(number) for number in _WAITING)
    requests = (asked(claim, minutes=minutes) for claim in claims if claim.label == "DENIED")
    return next(
        request
        for request in requests
        if SHARES.is_blind(request, KEY) is blind
        and (SHARES.opinions_wanted(request.review_id, KEY) == 2) is twice
    )


def in_line() -> Iterator[ReviewRequested]:
    """What waits: of both tasks, for all reasons, for minutes or hours."""
    reasons = ("low_confidence", "low_confidence", "label_mass", "unscored", "audit")
    for n, number in enumerate(range(6600, 6680)):
        claim, wait = SIMULATION.claim(number), {"minutes": 20 + 4 * n}
        denied = claim.label == "DENIED"
        yield asked(claim, **wait, reason="adverse" if denied else reasons[n % 5])
    for n in range(9):
        yield independent_review(n, minutes=35 + 40 * n)


def independent_review(number: int, *, minutes: float) -> ReviewRequested:
    task = TASKS["independent_review"]
    name = f"imr-{number}"
    content = {**task.examples[0], "reference_id": f"MN12-15{number:03}"}
    claim = asked(SIMULATION.claim(6600), minutes=minutes)
    return claim.model_copy(
        update={
            "review_id": review_id_of(name),
            "case": case(
                name,
                task=task.name,
                input=task.validate(content).model_dump(mode="json"),
                claim_id=content["reference_id"],
                group_id=f"reference:{content['reference_id']}",
                submitted_at=claim.case.submitted_at,
            ),
            "reason": "low_confidence",
            "answer": None,
        }
    )


async def fill(place: Workplace) -> None:
    """A morning's decisions, and what waits after it."""
    claims = [SIMULATION.claim(number) for number in _DECIDED]
    await place.publish(*(asked(claim, minutes=900 - n) for n, claim in enumerate(claims)))
    for _ in ("opinions", "further ones", "final words"):
        await work_off(place, {claim.input.claim_id: claim for claim in claims})
        await place.settle()
    await place.fetch(_EARLIER_TODAY)
    await place.publish(*in_line())


async def work_off(place: Workplace, claims: Mapping[str, SimulatedClaim]) -> None:
    """Each decides in turn, mostly as the expert would, until nothing is left."""
    async with AsyncExitStack() as stack:
        people = [await stack.enter_async_context(colleague(place.url, n)) for n in _REVIEWERS]
        random, idle = Random(4), 0
        while idle < len(people):
            for person in people:
                idle = 0 if await _one(person, claims, random) else idle + 1


async def _one(person: Colleague, claims: Mapping[str, SimulatedClaim], random: Random) -> bool:
    assignment = await person.lease()
    if assignment is None:
        return False
    claim = claims[assignment["case"]["claim_id"]]
    label = claim.label if random.random() < 0.88 else random.choice(("APPROVED", "PENDING"))
    if not assignment["model_visible"]:
        first = label if random.random() < 0.9 else random.choice(("APPROVED", "PENDING"))
        await person.act(assignment, "commit", label=first)
    await person.say(assignment, label, **answer_of(claim, label))
    return True


def answer_of(claim: SimulatedClaim, label: str) -> dict[str, Any]:
    """What an expert says of a claim, with the rule that it rests on."""
    said = {"reasoning": claim.reasoning, "reason_code": claim.reason_code}
    if label != claim.label:
        said = {"reasoning": "I read the note otherwise."}
    rules = TASKS["adjudication"].presentation.rules_of(claim.input)
    if label != "DENIED" or not rules:
        return said
    quoted = asdict(rules[0])
    criterion = {
        name: str(quoted[name]) for name in ("source", "version", "effective_date", "text")
    }
    return {**said, "criterion": criterion}
