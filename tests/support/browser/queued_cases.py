"""Cases in the queue as a test wants them drawn, and what came of them."""

from collections.abc import Sequence
from typing import Any

from services.review_queue.reviewing.review import Shares
from shared.events import ReviewRequested
from tests.support.browser.simulated_requests import asked, claims
from tests.support.browser.workbench import STOPWATCH, Workbench
from tests.support.browser.workplace import Workplace
from tests.support.draw_key import KEY

SHARES = Shares(overlap=0.5, blind=0.2)
SETTINGS = {
    # Tests let both be over when they want it; by themselves, no machine is slow enough for it.
    "lease_seconds": 3600,
    "undo_seconds": 3600,
    "overlap_share": SHARES.overlap,
    "blind_share": SHARES.blind,
}
_fresh = {label: claims(label, start=start) for start, label in ((0, "APPROVED"), (3000, "DENIED"))}


def in_line(
    number: int,
    label: str = "APPROVED",
    *,
    blind: bool = False,
    twice: bool = False,
    **changes: Any,
) -> list[ReviewRequested]:
    """So many new requests, the first one first in line; blind or not, for one reviewer or
    two, as wanted."""
    found: list[ReviewRequested] = []
    while len(found) < number:
        request = asked(next(_fresh[label]), minutes=900 - len(found), **changes)
        if _drawn(request) == (blind, twice):
            found.append(request)
    return found


def _drawn(request: ReviewRequested) -> tuple[bool, bool]:
    twice = SHARES.opinions_wanted(request.review_id, KEY) == 2
    return SHARES.is_blind(request, KEY), twice


def title(request: ReviewRequested) -> str:
    assert request.case.claim_id is not None
    return request.case.claim_id


async def opinions(
    place: Workplace, requests: Sequence[ReviewRequested]
) -> list[tuple[str | None, ...]]:
    """Of each request that is answered, in its order: the label before, the label, its code."""
    rows = await place.fetch("SELECT * FROM review_queue.opinions")
    by_review = {row["review_id"]: row for row in rows}
    return [
        (row["label_before"], row["label"], row["reason_code"])
        for request in requests
        if (row := by_review.get(request.review_id))
    ]


async def leases(place: Workplace, request: ReviewRequested) -> list[tuple[str, str, str | None]]:
    """Who had the case, how their lease stands or ended, and why."""
    rows = await place.fetch(
        "SELECT reviewer, state, ended_why FROM review_queue.assignments "
        "WHERE review_id = $1 ORDER BY leased_at",
        request.review_id,
    )
    return [(row["reviewer"], row["state"], row["ended_why"]) for row in rows]


async def at_empty_queue(place: Workplace) -> Workbench:
    """At an empty queue, with a clock that a test can turn."""
    page = await place.sign_in("amara")
    await page.clock.install()
    await page.reload()
    workbench = Workbench(page)
    await workbench.says("No cases waiting")
    return workbench


async def at_workbench(place: Workplace, name: str = "amara") -> Workbench:
    """Signed in by keyboard; the stopwatch runs from the first case on."""
    page = await place.sign_in(name)
    await page.context.add_init_script(STOPWATCH)
    await page.reload()
    return Workbench(page)
