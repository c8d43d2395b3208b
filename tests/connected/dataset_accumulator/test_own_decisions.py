"""What a model of this system decided is no expert's label, in whatever order decision and file
come; and what its reviewers decided is no second one."""

from typing import Any

import httpx
import pytest

from shared.errors import Conflict
from shared.events import DecisionMade
from tests.connected.dataset_accumulator.harness import Accumulator
from tests.connected.dataset_accumulator.import_harness import bring_in, confirm, send
from tests.support.builders.events import ADJUDICATION, case, decision
from tests.support.builders.histories import TODAY, csv_file, row

TASK = "adjudication"
HISTORY = csv_file([row(1), row(2), row(3)])


def by_model(claim_id: str | None = "CLM-2", **changes: Any) -> DecisionMade:
    return decision("case-2", claim_id=claim_id, **changes)


def by_reviewer(claim_id: str = "CLM-2") -> DecisionMade:
    return by_model(claim_id, decided_by="human", reviewer="amara", route_reason="low_confidence")


def judged_hash_of(claim: dict[str, str]) -> str:
    """As the case of this claim would have it."""
    content = ADJUDICATION.history.case_of(claim, today=TODAY, decimal=None).input
    return case("any", input=content.model_dump(mode="json")).judged_sha256


async def learned(accumulator: Accumulator, key: str = "1") -> list[str]:
    released = await accumulator.releaser.release_by_hand(TASK, trigger=f"manual:test:{key}")
    if released is None:
        return []
    return sorted(e.case_id for e in accumulator.examples(released))


@pytest.mark.parametrize(
    ("decided", "why"), [(by_model(), "own model decided"), (by_reviewer(), "reviewers decided")]
)
async def test_a_claim_that_this_system_decided_is_refused_with_the_reason(
    client: httpx.AsyncClient, accumulator: Accumulator, decided: DecisionMade, why: str
) -> None:
    await accumulator.handlers.decisions_made([decided, decided])

    report = (await send(client, HISTORY)).json()

    assert (report["accepted"], report["refused_rows"]) == (2, 1)
    (refused,) = report["refused"]
    assert (refused["line"], refused["field"]) == (3, "claim_id")
    assert why in refused["why"]


@pytest.mark.parametrize("first", ["decision", "review"])
async def test_a_case_is_decided_by_a_model_or_by_people(
    accumulator: Accumulator, first: str
) -> None:
    """Whichever comes second contradicts, and is refused."""
    take = accumulator.handlers.decisions_made
    if first == "decision":
        await take([by_model()])
        with pytest.raises(Conflict, match="a model has decided"):
            await accumulator.review("case-2")
    else:
        await accumulator.review("case-2")
        with pytest.raises(Conflict, match="reviewers have decided"):
            await take([by_model()])

    labels = await accumulator.fetch("SELECT case_id FROM dataset_accumulator.labels")
    assert len(labels) == int(first == "review")


async def test_a_case_has_one_original_decision(accumulator: Accumulator) -> None:
    take = accumulator.handlers.decisions_made
    await take([by_reviewer(), by_reviewer()])
    for other in (by_model(), by_reviewer().model_copy(update={"judged_sha256": "f" * 64})):
        with pytest.raises(Conflict, match="decided otherwise"):
            await take([other])


@pytest.mark.parametrize("spelled", ["clm-2", "CLM\u20112", "CLM - 2"])
@pytest.mark.parametrize("first", ["decision", "file"])
async def test_a_claim_is_known_however_its_number_is_spelled(
    client: httpx.AsyncClient, accumulator: Accumulator, spelled: str, first: str
) -> None:
    """The file has no member, so that nothing but the number says which claim it is."""
    decided = accumulator.handlers.decisions_made
    if first == "decision":
        await decided([by_model()])
    await bring_in(client, csv_file([row(1), row(2, claim_id=spelled, member_id="")]))
    if first == "file":
        await decided([by_model()])

    assert len(await learned(accumulator)) == 1


async def test_a_claim_under_another_id_is_known_by_what_was_judged(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    """The claims department renumbers what it hands in; before the import, and after it."""
    first, second = (judged_hash_of(row(number)) for number in (1, 2))
    await accumulator.handlers.decisions_made([by_model("OLD-1", judged_sha256=first)])
    report = await bring_in(client, HISTORY)
    await accumulator.handlers.decisions_made(
        [decision("case-9", claim_id="OLD-2", judged_sha256=second)]
    )

    assert [each["line"] for each in report["refused"]] == [2]
    assert len(await learned(accumulator)) == 1


async def test_a_decision_that_comes_while_an_import_is_held(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    held = (await send(client, HISTORY)).json()
    await accumulator.handlers.decisions_made([by_model()])

    report = (await confirm(client, held["import_id"])).json()

    assert (report["accepted"], report["refused_rows"]) == (2, 1)
    assert len(await learned(accumulator)) == 2


async def test_a_decision_that_comes_after_its_import_withholds_the_label(
    client: httpx.AsyncClient, accumulator: Accumulator
) -> None:
    await bring_in(client, HISTORY)
    before = await learned(accumulator)
    await accumulator.handlers.decisions_made([by_model()])

    after = await learned(accumulator, "2")

    assert (len(before), len(after)) == (3, 2)
    assert set(after) < set(before)
    count = await client.get("/v1/labels/count", params={"task": TASK})
    assert count.json()["withheld"] == {"automatic": 1}
    again = (await send(client, HISTORY)).json()
    assert [each["line"] for each in again["refused"]] == [3]


@pytest.mark.parametrize("other", [by_reviewer("CLM-9"), by_model(None)])
async def test_another_claims_decision_changes_nothing(
    client: httpx.AsyncClient, accumulator: Accumulator, other: DecisionMade
) -> None:
    await accumulator.handlers.decisions_made([other])

    assert (await bring_in(client, HISTORY))["accepted"] == 3
