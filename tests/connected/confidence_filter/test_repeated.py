"""Of the cases of one claim, or of one content, a model decides one at most."""

import asyncio

from shared.errors import Transient
from shared.events import PredictionMade
from tests.connected.confidence_filter.harness import Filter, further, of_claim
from tests.support.builders.events import answers, score

DECISION, REVIEW = "decisions.made.v1", "reviews.requested.v1"


def unsure(prediction: PredictionMade) -> PredictionMade:
    return prediction.model_copy(update={"scores": (score(answers("APPROVED", 0.5)),)})


async def test_a_claim_under_four_case_ids_is_approved_once(one: Filter) -> None:
    """B04: all four were approved. The first to come is the first, whatever its name."""
    await one.take(*(of_claim(name) for name in ("B04-3", "B04-0", "B04-1", "B04-2")))

    assert await one.routes() == {
        "B04-3": "confident",
        "B04-0": "repeated",
        "B04-1": "repeated",
        "B04-2": "repeated",
    }
    assert await one.sent() == [DECISION, REVIEW, REVIEW, REVIEW]


async def test_it_is_approved_once_across_batches_too(one: Filter) -> None:
    await one.take(of_claim("case-1"))
    await one.take(of_claim("case-2"), of_claim("case-3"))
    assert await one.routes() == {
        "case-1": "confident",
        "case-2": "repeated",
        "case-3": "repeated",
    }


async def test_the_same_service_under_another_claim_id_is_repeated(one: Filter) -> None:
    """Billed again with the codes in another order and another note."""
    codes = ["97110", "97140", "97110"]
    note = "Written anew."
    await one.take(
        of_claim("case-1", "CLM-1"),
        of_claim("case-2", "CLM-2", procedure_codes=codes, clinical_note=note),
        of_claim("case-3", "CLM-3", service_date="2026-06-16"),
    )
    assert await one.routes() == {
        "case-1": "confident",
        "case-2": "repeated",
        "case-3": "confident",
    }


async def test_what_people_decide_as_a_repetition_is_repeated_itself(one: Filter) -> None:
    """The second is another member's service under the first's claim id: whoever bills that service
    again repeats the second, which people were asked about."""
    await one.take(
        of_claim("case-1", "CLM-1", member_id="M-1"),
        of_claim("case-2", "CLM-1", member_id="M-2"),
        of_claim("case-3", "CLM-9", member_id="M-2"),
        of_claim("case-4", "CLM-8", member_id="M-1"),
        of_claim("case-5", "CLM-8", member_id="M-3"),
    )
    assert await one.routes() == {
        "case-1": "confident",
        "case-2": "repeated",
        "case-3": "repeated",
        "case-4": "repeated",
        "case-5": "repeated",
    }


async def test_what_does_not_make_a_service_another_is_no_way_around(one: Filter) -> None:
    """What payers call an exact duplicate: member, provider, day, procedures, amount."""
    await one.take(
        of_claim("case-1", "CLM-1"),
        of_claim("case-2", "CLM-2", diagnosis_codes=["M54.50"]),
        of_claim("case-3", "CLM-3", procedure_codes=["97110-GP", "97110-GP", "97140-GP"]),
        of_claim("case-4", "CLM-4", policy_id="ESSENTIAL-HMO"),
        of_claim("case-5", "CLM-5", billed_amount=118),
    )
    routes = await one.routes()
    assert routes.pop("case-1") == "confident"
    assert set(routes.values()) == {"repeated"}


async def test_another_spelling_is_no_other_claim_and_no_other_member(one: Filter) -> None:
    await one.take(
        of_claim("case-1", "CLM-1", member_id="M-77"),
        of_claim("case-2", " clm\u20111", service_date="2026-06-16"),
        of_claim("case-3", "CLM-3", member_id="m-77"),
    )
    assert await one.routes() == {
        "case-1": "confident",
        "case-2": "repeated",
        "case-3": "repeated",
    }


async def test_a_claim_that_people_have_is_not_decided_by_a_model_beside_them(one: Filter) -> None:
    await one.take(unsure(of_claim("case-1")))
    await one.take(of_claim("case-2"))
    assert await one.routes() == {"case-1": "low_confidence", "case-2": "repeated"}


async def test_a_first_attempt_that_comes_behind_the_second_is_repeated(one: Filter) -> None:
    await one.take(further(of_claim("case-2"), attempt=2))
    await one.take(of_claim("case-1"))
    assert await one.routes() == {"case-2": "repeated", "case-1": "repeated"}


async def test_a_case_that_comes_again_keeps_its_first_route(one: Filter) -> None:
    await one.take(of_claim("case-1"), of_claim("case-2"))
    await one.take(of_claim("case-2"), of_claim("case-1"), of_claim("case-1"))
    assert await one.routes() == {"case-1": "confident", "case-2": "repeated"}
    assert await one.sent() == [DECISION, REVIEW]


async def until_taken(process: Filter, *predictions: PredictionMade) -> None:
    """As the consumer does it: what the database puts off is taken again."""
    while True:
        try:
            await process.take(*predictions)
        except Transient:
            continue
        return


async def test_two_processes_at_once_approve_a_claim_once(one: Filter, other: Filter) -> None:
    """Eighty claims, each under four case ids, half of them with two processes at a time."""
    copies = [
        [of_claim(f"case-{claim}-{n}", f"CLM-{claim}", member_id=f"M-{claim}") for n in range(4)]
        for claim in range(80)
    ]
    flat = [copy for claim in copies for copy in claim]
    await asyncio.gather(
        *(until_taken(one, *flat[start : start + 40]) for start in range(0, 320, 40)),
        *(until_taken(other, *reversed(flat[start : start + 60])) for start in range(0, 320, 60)),
    )
    routes = await one.routes()
    assert len(routes) == 320
    for claim in copies:
        reasons = [routes[copy.case.case_id] for copy in claim]
        assert reasons.count("repeated") == 3
    accepted = list(routes.values()).count("confident")  # but for audits, all 80
    assert accepted > 70
    assert sorted(await one.sent()) == [DECISION] * accepted + [REVIEW] * (320 - accepted)
