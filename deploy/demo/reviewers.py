"""The scripted adjudicators: they sign in and work the queue through the API that the browser uses,
and everything that they say is marked as simulated.

Each signs in, leases a case, looks at it, decides and gives a reason; what they decide is what
the experts of the record decided.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.simulation import DecidedCase
from shared.tasks import get_task
from shared.tasks.task import Task

USERS = "REVIEW_QUEUE_SIMULATED_USERS"
# The last one is senior: disputes and escalated cases come to them.
NAMES = ("amara", "bo", "chidi", "dana")
ROLES = ("adjudicator", "senior")
_IDLE_SECONDS = 1.0


@dataclass(frozen=True)
class Reviewer:
    name: str
    password: str
    role: str = ROLES[0]


def load_or_create_reviewers(settings: Mapping[str, str]) -> list[Reviewer]:
    """The reviewers of an earlier demonstration, or new ones."""
    users = settings.get(USERS, "")
    known = [entry.split(":") for entry in users.split(",") if entry]
    if known:
        return [Reviewer(name, password, role) for name, role, password in known]
    return [Reviewer(name, secrets.token_urlsafe(12), ROLES[name == NAMES[-1]]) for name in NAMES]


def users_setting(reviewers: Sequence[Reviewer]) -> str:
    return ",".join(f"{each.name}:{each.role}:{each.password}" for each in reviewers)


async def adjudicate_cases(
    url: str, reviewer: Reviewer, decided: Callable[[str], DecidedCase | None]
) -> None:
    """One reviewer's shift; `decided` knows the recorded decision of a case."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        while True:
            try:
                await _shift(client, reviewer, decided)
            except (httpx.TransportError, httpx.HTTPStatusError):
                await asyncio.sleep(1)  # the queue is away or the session is over: sign in again


async def _shift(
    client: httpx.AsyncClient, reviewer: Reviewer, decided: Callable[[str], DecidedCase | None]
) -> None:
    credentials = {"name": reviewer.name, "password": reviewer.password}
    session = await client.post("/v1/sessions", json=credentials)
    session.raise_for_status()
    client.headers["Authorization"] = f"Bearer {session.json()['token']}"
    while True:
        leased = await client.post("/v1/assignments", json={})
        leased.raise_for_status()
        if leased.status_code == httpx.codes.NO_CONTENT:
            await asyncio.sleep(_IDLE_SECONDS)
        else:
            await _decide(client, leased.json(), decided)


async def _decide(
    client: httpx.AsyncClient,
    assignment: dict[str, Any],
    decided: Callable[[str], DecidedCase | None],
) -> None:
    path = f"/v1/assignments/{assignment['assignment_id']}"
    fence = {"token": assignment["token"]}
    looked = await client.post(f"{path}/heartbeat", json={**fence, "opened": True})
    looked.raise_for_status()
    case = decided(assignment["case"]["case_id"])
    if case is None:
        answer = await client.post(f"{path}/release", json={**fence, "reason": "not of the record"})
    else:
        task = get_task(assignment["case"]["task"])
        answer = await client.post(f"{path}/submit", json={**fence, **_decision_fields(case, task)})
    if answer.status_code != httpx.codes.CONFLICT:  # lost the lease: somebody else has the case
        answer.raise_for_status()


def _decision_fields(case: DecidedCase, task: Task) -> dict[str, Any]:
    """The recorded decision, with all that its label needs."""
    fields: dict[str, Any] = {
        "label": case.label,
        "reasoning": case.reasoning,
        "reason_code": case.reason_code,
    }
    needs = task.label(case.label).needs
    if "criterion" in needs:
        fields["criterion"] = _criterion(case, task)
    if "clinical_basis" in needs:
        fields["clinical_basis"] = next(iter(case.evidence.values()), case.reasoning)
    return fields


def _criterion(case: DecidedCase, task: Task) -> dict[str, str]:
    """The rule that the case fails, else the first that bears on it, else the record itself."""
    rules = sorted(task.presentation.rules_of(case.input), key=lambda rule: rule.outcome != "fail")
    if not rules:
        record = {"source": "the record's determination", "version": "1"}
        return {**record, "effective_date": "unknown", "text": case.reasoning}
    rule = rules[0]
    return {
        "source": rule.source,
        "version": rule.version,
        "effective_date": rule.effective_date.isoformat(),
        "text": rule.text,
    }
