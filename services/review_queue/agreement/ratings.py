"""What the reviewers said, read for statistics: labels and names, never what is in a case."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

import asyncpg

from services.review_queue.agreement.measures import AgreementFigures, Ratings, by_reviewer
from services.review_queue.agreement.report import RatedReviews
from services.review_queue.reviewing.states import Kind, SeatState
from shared.storage.database import Database
from shared.tasks import TASKS

# `independent`: answers given before their reviewer could see the model's; `all`: what they said in
# the end, also with the model's draft in front of them.
Basis = Literal["independent", "all"]

# At most so many opinions are compared, the newest: more would only make everybody wait.
MOST_OPINIONS = 10_000
# No user's name has a blank.
_MODEL = "model "
_LABELS: dict[Basis, str] = {
    "independent": "coalesce(o.label_before, o.label)",
    "all": "o.label",
}
_COUNTED: dict[Basis, str] = {
    "independent": "AND (r.blind OR NOT r.model_visible OR r.model_label IS NULL)",
    "all": "",
}
# Beyond those wanted from the start, opinions were asked for because of what the others had said.
# And whoever reads this may still be asked for an opinion of their own: nothing is counted that
# they may not see on its own, neither what was said while others are asked, nor the model's answer
# to a blind review.
_RATINGS = """
WITH counted AS (
    SELECT o.review_id, o.seat, o.reviewer, {label} AS label,
        CASE WHEN r.completed_at IS NOT NULL OR r.model_visible AND NOT r.blind
            THEN r.model_version END AS model_version, r.model_label
    FROM review_queue.opinions AS o
    JOIN review_queue.seats AS s USING (review_id, seat)
    JOIN review_queue.reviews AS r USING (review_id)
    WHERE s.task = $1 AND o.decided_at >= $2 AND o.decided_at < $3
        AND s.state = 'answered' AND s.kind <> 'final' AND s.seat <= r.wanted {counted} {whose}
        AND NOT EXISTS (
            SELECT FROM review_queue.seats AS asked WHERE asked.review_id = o.review_id
                AND asked.kind <> 'final' AND asked.state NOT IN ('answered', 'withdrawn'))
    ORDER BY o.decided_at DESC LIMIT $4
)
SELECT array_agg(reviewer ORDER BY seat) AS reviewers, array_agg(label ORDER BY seat) AS labels,
    model_version, model_label
FROM counted GROUP BY review_id, model_version, model_label
"""
# What somebody else said of an open review is not shown, not even as a number.
_SHARED_WITH = """AND r.wanted > 1 AND r.completed_at IS NOT NULL AND o.review_id IN (
        SELECT mine.review_id FROM review_queue.opinions AS mine
        WHERE mine.reviewer = $5 AND mine.decided_at >= $2)"""
_MONTH_LASTS_SECONDS = 60.0
_SELECT_DECISIONS = """
SELECT o.review_id, r.case_id, r.claim_id, s.task, s.kind, s.state, o.label, o.decided_at,
    o.dwell_seconds, extract(epoch FROM s.settles_at - now())::float8 AS leaves_in_seconds,
    r.label AS settled_label, c.label AS corrected_label, coalesce(c.revision, 0) AS revision,
    CASE WHEN r.deciding_seat = o.seat AND r.completed_at + $5::interval > now()
        THEN r.completed_at + $5::interval END AS open_until
FROM review_queue.opinions AS o
JOIN review_queue.seats AS s USING (review_id, seat)
JOIN review_queue.reviews AS r USING (review_id)
LEFT JOIN LATERAL (
    SELECT label, revision FROM review_queue.corrections
    WHERE review_id = o.review_id ORDER BY revision DESC LIMIT 1) AS c ON true
WHERE o.reviewer = $1 AND o.decided_at >= $2 AND ($3::timestamptz IS NULL OR o.decided_at < $3)
ORDER BY o.decided_at DESC LIMIT $4
"""
_SELECT_PACE = """
SELECT count(*) AS decided,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY dwell_seconds) AS median_seconds
FROM review_queue.opinions WHERE reviewer = $1 AND decided_at >= $2
"""


@dataclass(frozen=True)
class RatingScope:
    """Which answers are compared: of one task, given from `since` until before `until`."""

    task: str
    since: datetime
    until: datetime
    basis: Basis = "independent"


@dataclass(frozen=True)
class OwnDecision:
    """One of a reviewer's decisions. `settled_label` is the review's, once it is completed.

    `open_until`: until when they may correct it; None where it is not theirs, or too late.
    """

    review_id: str
    case_id: str
    claim_id: str | None
    task: str
    kind: Kind
    state: SeatState
    label: str
    decided_at: datetime
    dwell_seconds: float
    leaves_in_seconds: float | None
    settled_label: str | None
    corrected_label: str | None
    revision: int
    open_until: datetime | None


@dataclass(frozen=True)
class Pace:
    decided: int
    median_seconds: float | None


class Statistics:
    """`correction`: how long after a decision its author may change it."""

    def __init__(self, database: Database, *, correction: timedelta) -> None:
        self.database = database
        self.correction = correction
        self._of_month: dict[str, tuple[float, dict[str, AgreementFigures]]] = {}

    async def rated(self, scope: RatingScope, *, reviewer: str | None = None) -> RatedReviews:
        """What was said; with `reviewer` only completed reviews that they share with others."""
        query = _RATINGS.format(
            label=_LABELS[scope.basis],
            counted=_COUNTED[scope.basis],
            whose="" if reviewer is None else _SHARED_WITH,
        )
        own = () if reviewer is None else (reviewer,)
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                query, scope.task, scope.since, scope.until, MOST_OPINIONS, *own
            )
        versions = {row["model_version"] for row in rows} - {None}
        return RatedReviews(
            units=[_unit(row) for row in rows],
            models=frozenset(_MODEL + version for version in versions),
            cut=sum(len(row["reviewers"]) for row in rows) == MOST_OPINIONS,
        )

    async def of_month(self, reviewer: str, *, until: datetime) -> dict[str, AgreementFigures]:
        """`own` in 30 days; at most a minute old, however often a page asks."""
        measured_at, figures = self._of_month.get(reviewer, (float("-inf"), {}))
        if time.monotonic() - measured_at > _MONTH_LASTS_SECONDS:
            figures = await self.own(reviewer, since=until - timedelta(days=30), until=until)
            self._of_month[reviewer] = time.monotonic(), figures
        return figures

    async def own(
        self, reviewer: str, *, since: datetime, until: datetime
    ) -> dict[str, AgreementFigures]:
        """By task, how far the reviewer agrees with the others; never how far with the model,
        which nobody should learn to follow."""
        figures = {}
        for task in TASKS:
            rated = await self.rated(RatingScope(task, since, until, "all"), reviewer=reviewer)
            agreement = by_reviewer(rated.units, models=rated.models).get(reviewer)
            if agreement and agreement.experts.reviews:
                figures[task] = agreement.experts
        return figures

    async def decisions(
        self, reviewer: str, *, since: datetime, limit: int, before: datetime | None = None
    ) -> Sequence[OwnDecision]:
        """The reviewer's decisions, the newest first."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch(
                _SELECT_DECISIONS, reviewer, since, before, limit, self.correction
            )
        return [OwnDecision(**row) for row in rows]

    async def pace(self, reviewer: str, *, since: datetime) -> Pace:
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_SELECT_PACE, reviewer, since)
        assert row is not None
        return Pace(**row)


def _unit(row: "asyncpg.Record") -> Ratings:
    ratings = dict(zip(row["reviewers"], row["labels"], strict=True))
    if row["model_version"] is None:
        return ratings
    return {**ratings, _MODEL + row["model_version"]: row["model_label"]}


def shown_name(rater: str) -> str:
    """A reviewer's name, or a model's version."""
    return rater.removeprefix(_MODEL)
