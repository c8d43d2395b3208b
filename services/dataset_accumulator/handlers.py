"""Settled reviews in, labels out; corrections in, revised labels out; in whatever order.

Decisions make no label: they are known so that no file brings them back as one.
"""

from collections.abc import Sequence

from services.dataset_accumulator.labels import label_of_review
from services.dataset_accumulator.own_decisions import (
    record_own_decisions,
    refuse_decided_by_models,
)
from services.dataset_accumulator.splits import Shares
from services.dataset_accumulator.store import Store
from shared.errors import Conflict
from shared.events import DecisionCorrected, DecisionMade, ReviewCompleted
from shared.tasks import get_task


class Handlers:
    """Every record may come twice, and a correction before the label that it corrects."""

    def __init__(self, store: Store, *, shares: Shares) -> None:
        self.store = store
        self.shares = shares

    async def reviews_completed(self, reviews: Sequence[ReviewCompleted]) -> None:
        labels = [label_of_review(review) for review in reviews]
        async with self.store.database.transaction() as connection:
            await self.store.lock(connection, [label.task for label in labels])
            await refuse_decided_by_models(connection, [label.case_id for label in labels])
            outcomes = await self.store.add(connection, labels, shares=self.shares)
            if "other content" in outcomes:
                raise Conflict(
                    "the case has a label with other content; a later change is a correction",
                    field="case_id",
                )
        await self.store.apply_corrections([label.case_id for label in labels])

    async def decisions_made(self, decisions: Sequence[DecisionMade]) -> None:
        async with self.store.database.transaction() as connection:
            await self.store.lock(connection, [decision.task for decision in decisions])
            await record_own_decisions(connection, self.store, decisions)

    async def decisions_corrected(self, corrections: Sequence[DecisionCorrected]) -> None:
        for correction in corrections:
            get_task(correction.task).label(correction.label)
        await self.store.record_corrections(corrections)
        await self.store.apply_corrections([correction.case_id for correction in corrections])
