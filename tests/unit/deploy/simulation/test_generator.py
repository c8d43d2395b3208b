import csv
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.simulation import Drift, SimulatedClaim, Simulation, simulated_claims, write_history
from deploy.simulation.catalog import real_procedures, services
from deploy.simulation.expert import judge_claim
from deploy.simulation.members import member_of
from deploy.simulation.notes import ClinicalNote, Support
from shared.tasks import get_task
from shared.tasks.adjudication import icd10
from shared.tasks.adjudication.edits import run_edits
from shared.tasks.adjudication.input import ClaimInput
from shared.tasks.adjudication.labels import REASON_CODES
from shared.tasks.adjudication.policy import fee_schedule, policies

TASK = get_task("adjudication")


@pytest.fixture(scope="module")
def claims() -> list[SimulatedClaim]:
    return list(simulated_claims(seed=1, count=2000))


def test_the_catalog_holds_real_codes_of_the_fee_schedule() -> None:
    schedule, real = fee_schedule(), set(real_procedures())
    for service in services():
        for presentation in service.presentations:
            assert icd10.standing(presentation.diagnosis) == "billable", presentation
            for code in presentation.procedures or service.procedures:
                assert schedule.category_of(code) == service.category, code
    assert {code for c in schedule.categories.values() for code in c.fees} <= real


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), index=st.integers(0, 1_000_000))
def test_every_claim_is_valid_and_its_edits_are_those_of_the_policy(seed: int, index: int) -> None:
    claim = Simulation(seed).claim(index).input
    again = TASK.validate(claim.model_dump(mode="json"))
    assert again == claim
    assert run_edits(claim, policies()[claim.policy_id]) == claim.edits


def test_the_seed_decides_everything() -> None:
    first = list(simulated_claims(seed=7, count=50))
    assert first == list(simulated_claims(seed=7, count=50))
    assert first[20:] == list(simulated_claims(seed=7, start=20, count=30))
    assert first != list(simulated_claims(seed=8, count=50))


def test_the_stream_is_the_same_on_every_machine_and_after_every_change() -> None:
    """Change this only on purpose: numbers reported for a seed are compared across versions."""
    assert Simulation(1).claim(1).history_row() == {
        "claim_id": "S1-0000001",
        "policy_id": "CHOICE-PPO",
        "diagnosis_codes": "M54.2",
        "procedure_codes": "98942",
        "claim_amount": "80.00",
        "service_date": "2026-06-01",
        "adjudication_decision": "Severely limited by muscle spasm.",
        "final_decision": "APPROVED",
        "medical_analysis": "Chart read in full, the need for the service is established.",
        "member_id": "M1-0000023",
        "provider_npi": "9000002000",
        "prior_authorization": "",
        "clinical_note": "Neck pain, known since last year. Risks were explained. "
        "Daily life is severely limited by muscle spasm.",
    }


def test_the_stream_is_lazy() -> None:
    assert next(simulated_claims(seed=1, count=10**12)).input.claim_id == "S1-0000000"


def test_claims_are_balanced_as_documented(claims: list[SimulatedClaim]) -> None:
    shares = {name: count / len(claims) for name, count in Counter(c.label for c in claims).items()}
    assert 0.50 <= shares["APPROVED"] <= 0.60
    assert 0.20 <= shares["DENIED"] <= 0.30
    assert 0.15 <= shares["PENDING"] <= 0.25


def test_every_edit_and_every_reason_occurs(claims: list[SimulatedClaim]) -> None:
    kinds = {edit.kind for c in claims for edit in c.input.edits if edit.outcome != "pass"}
    assert len(kinds) == 6
    in_part = {"AGREED_FEE", "PART_SUPPORTED"}  # simulated experts approve all or nothing
    assert {c.reason_code for c in claims} | in_part == {reason.code for reason in REASON_CODES}
    labels = {reason.code: reason.label for reason in REASON_CODES}
    assert all(labels[c.reason_code] == c.label for c in claims)


def test_experts_follow_the_edits_but_for_a_little_disagreement(
    claims: list[SimulatedClaim],
) -> None:
    ruled_out = [c for c in claims if any(e.outcome == "fail" for e in c.input.edits)]
    against = sum(c.label != "DENIED" for c in ruled_out) / len(ruled_out)
    assert 0.01 <= against <= 0.08  # 4 % of some 260 claims, give or take three deviations


def test_members_have_one_to_four_claims(claims: list[SimulatedClaim]) -> None:
    counts = Counter(c.input.member_id for c in claims)
    assert set(counts.values()) == {1, 2, 3, 4}
    assert {member_of(seed=1, index=i).member_id for i in range(5)} <= set(counts)


def test_services_fit_the_age(claims: list[SimulatedClaim]) -> None:
    autism = [i for i, c in enumerate(claims) if c.input.diagnosis_codes == ("F84.0",)]
    assert autism
    assert all(3 <= member_of(seed=1, index=i).age <= 17 for i in autism)


def test_notes_and_reasons_are_short(claims: list[SimulatedClaim]) -> None:
    for claim in claims:
        assert 15 <= len((claim.input.clinical_note or "").split()) <= 35
        assert len(claim.reasoning.split()) <= 12
        assert "{" not in f"{claim.input.clinical_note}{claim.reasoning}"


def test_providers_are_nobody(claims: list[SimulatedClaim]) -> None:
    assert all((c.input.provider_npi or "").startswith("9") for c in claims)


@pytest.mark.parametrize(
    ("outcomes", "support", "label"),
    [
        ("pp", Support.SUPPORTS, "APPROVED"),
        ("pp", Support.LACKS, "DENIED"),
        ("pp", Support.UNCLEAR, "PENDING"),
        ("pf", Support.SUPPORTS, "DENIED"),
        ("wp", Support.SUPPORTS, "PENDING"),
        ("wf", Support.UNCLEAR, "DENIED"),
    ],
)
def test_the_expert_goes_by_edits_then_note(outcomes: str, support: Support, label: str) -> None:
    names = {"p": "pass", "f": "fail", "w": "pend"}
    kinds = ("authorization", "exclusion")
    edits = [
        {"rule_id": "R", "kind": kind, "outcome": names[outcome], "message": "said so"}
        for kind, outcome in zip(kinds, outcomes, strict=True)
    ]
    claim = Simulation(1).claim(0).input.model_dump() | {"edits": edits}
    judgment = judge_claim(
        ClaimInput.model_validate(claim), ClinicalNote("text", support, "Because.")
    )
    assert judgment.label == label
    assert judgment.reasoning == ("Because." if outcomes == "pp" else "Said so.")


def test_a_drift_changes_only_what_comes_after_it() -> None:
    drift = Drift(100, mix={"office_visit": 50.0}, bulletin=frozenset({"office_visit"}))
    steady = list(simulated_claims(seed=3, count=300))
    drifting = list(simulated_claims(seed=3, count=300, drift=drift))
    assert steady[:100] == drifting[:100]
    visits = [c for c in drifting[100:] if "office visit" in c.input.edits[1].message]
    assert len(visits) > 120  # ten times as many
    assert sum(c.label == "DENIED" for c in visits) / len(visits) > 0.9
    assert any(all(e.outcome == "pass" for e in c.input.edits) for c in visits)


def test_a_drift_begins_with_its_first_claim() -> None:
    everything = frozenset(service.category for service in services())
    first, *_ = simulated_claims(seed=3, count=1, drift=Drift(0, bulletin=everything))
    assert first.reasoning.endswith("is no longer paid.")


def test_a_drift_of_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match="astrology"):
        Drift(0, mix={"astrology": 2.0})


def test_a_history_file_gives_back_the_same_cases(tmp_path: Path) -> None:
    claims = list(simulated_claims(seed=5, count=200))
    assert write_history(tmp_path / "history.csv", TASK, claims) == 200
    with (tmp_path / "history.csv").open(newline="", encoding="utf-8") as file:
        read = [TASK.history.read(row) for row in csv.DictReader(file)]
    assert [TASK.complete(case.input) for case in read] == [claim.input for claim in claims]
    assert [case.label for case in read] == [claim.label for claim in claims]
    assert [case.reasoning for case in read] == [claim.reasoning for claim in claims]
    assert [case.evidence for case in read] == [claim.evidence for claim in claims]


def test_nothing_that_the_expert_found_stands_in_a_prompt(claims: list[SimulatedClaim]) -> None:
    for claim in claims[:300]:
        prompt = TASK.render(claim.input)
        assert claim.evidence["medical_analysis"] not in prompt.user
        assert (claim.input.member_id or "") not in prompt.user
