"""What stands on the topics that this queue publishes to is what it said itself, or is refused.

Nothing leaves before the tables have it. What they do not have is somebody else's, or was said
before they were restored: then it is remembered (see `reviewing/restoring.py`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from shared.errors import Conflict
from shared.events import DecisionCorrected, DecisionMade, ReviewCompleted
from shared.storage.database import Database

_REVIEWS = """
SELECT case_id, review_id, content_sha256, label, completed_at FROM review_queue.reviews
WHERE case_id = ANY($1::text[])
"""
_CORRECTIONS = """
SELECT case_id, revision, c.label, corrected_by, corrected_at
FROM review_queue.corrections AS c JOIN review_queue.reviews USING (review_id)
WHERE case_id = ANY($1::text[])
"""
_REMEMBERED = """
SELECT case_id, revision, body FROM review_queue.earlier_decisions WHERE case_id = ANY($1::text[])
"""
_NOT_OURS = "this queue has said nothing like it"


@dataclass(frozen=True)
class _Said:
    """What this queue has said of some cases, by its tables and by what waits to be restored."""

    reviews: Mapping[str, "asyncpg.Record"]
    corrections: Mapping[tuple[str, int], tuple[str, str, datetime]]
    remembered: Mapping[tuple[str, int], str]

    def completed(self, case_id: str) -> tuple[str, str, str, datetime] | None:
        """Review, content, label and time of a completed review."""
        if body := self.remembered.get((case_id, 0)):
            event = ReviewCompleted.model_validate_json(body)
            return _facts(event)
        row = self.reviews.get(case_id)
        if row is None or row["completed_at"] is None:
            return None
        return row["review_id"], row["content_sha256"], row["label"], row["completed_at"]

    def correction(self, case_id: str, revision: int) -> tuple[str, str, datetime] | None:
        """Label, author and time of a correction."""
        if body := self.remembered.get((case_id, revision)):
            event = DecisionCorrected.model_validate_json(body)
            return event.label, event.corrected_by, event.occurred_at
        return self.corrections.get((case_id, revision))


class OwnTopics:
    def __init__(self, database: Database) -> None:
        self.database = database

    async def check_completed(self, events: Sequence[ReviewCompleted]) -> None:
        """`Conflict` if this queue has not completed a review so."""
        said = await self._said([event.case.case_id for event in events])
        for event in events:
            if said.completed(event.case.case_id) != _facts(event):
                raise Conflict(_NOT_OURS, field="review_id")

    async def check_decisions(self, events: Sequence[DecisionMade]) -> None:
        """`Conflict` if people have not decided so here, or a model has what people are asked."""
        said = await self._said([event.case_id for event in events])
        for event in events:
            if event.decided_by == "model":
                if event.case_id in said.reviews:
                    raise Conflict("people are asked about this case", field="decided_by")
                continue
            decided = said.completed(event.case_id)
            if decided is None or decided[1:] != (
                *(event.content_sha256, event.label, event.occurred_at),
            ):
                raise Conflict(_NOT_OURS, field="case_id")

    async def check_corrected(self, events: Sequence[DecisionCorrected]) -> None:
        """`Conflict` if nobody has corrected a decision so here."""
        said = await self._said([event.case_id for event in events])
        for event in events:
            given = (event.label, event.corrected_by, event.occurred_at)
            if said.correction(event.case_id, event.revision) != given:
                raise Conflict(_NOT_OURS, field="revision")

    async def _said(self, case_ids: Sequence[str]) -> _Said:
        async with self.database.transaction() as connection:
            reviews = await connection.fetch(_REVIEWS, case_ids)
            corrections = await connection.fetch(_CORRECTIONS, case_ids)
            remembered = await connection.fetch(_REMEMBERED, case_ids)
        return _Said(
            {row["case_id"]: row for row in reviews},
            {
                (row["case_id"], row["revision"]): (
                    *(row["label"], row["corrected_by"], row["corrected_at"]),
                )
                for row in corrections
            },
            {(row["case_id"], row["revision"]): row["body"] for row in remembered},
        )


def _facts(event: ReviewCompleted) -> tuple[str, str, str, datetime]:
    return event.review_id, event.case.content_sha256, event.label, event.occurred_at
