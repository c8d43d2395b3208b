"""Claims of every kind, as hypothesis makes them: policies held and not, codes known and not."""

from typing import Any, get_args

from hypothesis import strategies as st

from shared.tasks.adjudication.input import ClaimInput, Edit, EditKind, EditSource
from shared.tasks.adjudication.policy import fee_schedule, policies
from shared.tasks.fields import WORST_FIRST

CLAIM: dict[str, Any] = {
    "claim_id": "CLM-1",
    "member_id": "M-1",
    "provider_npi": "9000000017",
    "policy_id": "CHOICE-PPO",
    "service_date": "2026-06-15",
    "diagnosis_codes": ["M54.50"],
    "procedure_codes": ["97110"],
    "billed_amount": "37.00",
}

_listed = st.sampled_from([c for v in fee_schedule().categories.values() for c in v.fees])
_procedure = _listed | st.from_regex(r"[0-9]{4}[0-9FMTU]|[A-V][0-9]{4}", fullmatch=True)
_diagnosis = st.from_regex(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?", fullmatch=True)

claims = st.builds(
    ClaimInput,
    claim_id=st.just("CLM-1"),
    member_id=st.none() | st.just("M-1"),
    provider_npi=st.none() | st.just("9000000017"),
    policy_id=st.sampled_from([*policies(), "choice-ppo", "CHOICE-PPO\u200b", "PPO-9"]),
    service_date=st.dates(),
    diagnosis_codes=st.just(["M54.50"]) | st.lists(_diagnosis, min_size=1, max_size=12),
    procedure_codes=st.just(["97110"]) | st.lists(_procedure, min_size=1, max_size=20),
    billed_amount=st.just("37.00") | st.decimals(min_value="0.01", max_value=10_000_000, places=2),
    prior_authorization=st.none() | st.just("PA-1234"),
)
edits = st.builds(
    Edit,
    rule_id=st.sampled_from(["ICD-10-CM", "CHO-COV-1", "R-1"]),
    kind=st.sampled_from(get_args(EditKind)),
    outcome=st.sampled_from(WORST_FIRST),
    source=st.sampled_from(get_args(EditSource)),
    message=st.sampled_from(["fine", "not covered"]),
)
