"""Validates a submission and turns it into a case, whose group and content are then fixed.

The group is never the caller's to choose: it must be the same as that of imported history, or
somebody's cases could both train and test a model.
"""

from collections.abc import Sequence
from datetime import datetime

from shared.clock import lies_ahead, utc_day
from shared.errors import Rejected
from shared.events import Case, CaseSubmitted
from shared.storage.content_identity import refuse_other_content
from shared.storage.database import Database
from shared.tasks import get_task
from shared.tasks.task import as_given, content_hash

# Every later event carries the case; with its additions it must still fit into a record.
CASE_LIMIT_BYTES = 256 * 1024


def case_of(submission: CaseSubmitted) -> Case:
    """The checked case; `Rejected` names the field that is wrong."""
    task = get_task(submission.task)
    content = task.validate(submission.input)
    size = len(submission.model_dump_json().encode())
    if size > CASE_LIMIT_BYTES:
        raise Rejected(f"the case has {size} bytes; at most {CASE_LIMIT_BYTES}", field="input")
    envelope = {
        "claim_id": submission.claim_id,
        "attempt": submission.attempt,
        "supersedes_case_id": submission.supersedes_case_id,
    }
    return Case(
        case_id=submission.case_id,
        task=submission.task,
        input=task.complete(content, submitted_on=utc_day(submission.occurred_at)).model_dump(
            mode="json"
        ),
        group_id=task.group_of(content),
        submitted_at=submission.occurred_at,
        content_sha256=content_hash(task.name, {**envelope, "input": as_given(content)}),
        **envelope | {"claim_id": task.claim_id_of(content, given=submission.claim_id)},
    )


def refuse_future(submission: CaseSubmitted, *, now: datetime) -> None:
    """`Rejected` if the case says that it comes in later than now: what is checked by that day,
    such as whether its service has been rendered, would be checked by a day that has not come."""
    if lies_ahead(submission.occurred_at, now=now):
        reason = "lies in the future by the clock of this system; state when the case was sent"
        raise Rejected(reason, field="occurred_at")


class Intake:
    """The table `cases`: a case id stands for one content, forever."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def record_cases(self, cases: Sequence[Case]) -> None:
        """Record the cases; `Conflict` if one is known with other content."""
        hashes = {case.case_id: case.content_sha256 for case in reversed(cases)}
        case_ids = sorted(hashes)
        async with self.database.transaction() as connection:
            await connection.execute(
                "INSERT INTO inference.cases (case_id, content_sha256) "
                "SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING",
                case_ids,
                [hashes[case_id] for case_id in case_ids],
            )
            rows = await connection.fetch(
                "SELECT case_id, content_sha256 FROM inference.cases WHERE case_id = ANY($1)",
                case_ids,
            )
        refuse_other_content(
            ((case.case_id, case.content_sha256) for case in cases),
            {row["case_id"]: row["content_sha256"] for row in rows},
            because="was submitted with other content",
        )
