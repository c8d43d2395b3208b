"""A rollout of a backup, where its promoter has said more since."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.promoter.rollout import apply_evaluation, pause, restate, restore, rollback, stop
from services.promoter.state import Change, Rollout, Transition, Version, event_of
from shared.errors import Conflict
from shared.events import RolloutChanged
from shared.events.models import HIGHEST_REVISION
from tests.support.builders.evaluations import evaluation
from tests.support.builders.events import NOW

V0, V1, V2, V3 = (f"adjudication-v1.{minor}" for minor in range(4))
LATER = NOW + timedelta(days=1)
CHAMPION, CANDIDATE = Version.of(evaluation(V1, V0)), Version.of(evaluation(V2, V1))
BACKUP = Rollout(
    "adjudication",
    revision=7,
    number=2,
    champion=CHAMPION,
    candidate=CANDIDATE,
    last_good=Version.of(evaluation(V0, None)),
    stage="canary",
    stage_since=NOW,
    stage_revision=7,
    share=0.25,
)


def said_of(change: Change, *, revision: int = 12) -> RolloutChanged:
    rollout = replace(change.rollout, revision=revision)
    transitions = change.transitions or (Transition("resumed", "ann", "odd"),)
    return event_of(Change(rollout, transitions), at=NOW)


def restored(backup: Rollout, said: RolloutChanged) -> Rollout:
    return restore(backup, said, why="restored", now=LATER).rollout


def test_the_same_in_service_goes_on_and_its_stage_begins_anew() -> None:
    after = restored(BACKUP, said_of(Change(BACKUP)))

    assert after == replace(
        BACKUP, revision=13, stage_revision=13, stage_since=LATER, restored_at=LATER
    )


@pytest.mark.parametrize(
    "since",
    [
        rollback(BACKUP, who="ann", why="bad"),
        rollback(replace(BACKUP, candidate=None, stage="full"), who="ann", why="bad"),
        Change(replace(BACKUP, champion=CANDIDATE, candidate=None, last_good=CHAMPION)),
        Change(replace(BACKUP, champion=None, candidate=None)),
        Change(
            replace(
                BACKUP,
                champion=replace(
                    CHAMPION, served=CHAMPION.served.model_copy(update={"threshold": 0.99})
                ),
            )
        ),
    ],
    ids=["candidate rolled back", "champion rolled back", "promoted", "none left", "threshold"],
)
def test_where_others_are_in_service_every_case_goes_to_people(since: Change) -> None:
    after = restored(BACKUP, said_of(since))

    assert after.stopped
    assert after.serving == BACKUP.serving


def test_an_order_to_stop_or_pause_holds_whichever_of_the_two_knows_it() -> None:
    stopped, paused = (order(BACKUP, who="ann", why="odd") for order in (stop, pause))
    for backup, since in ((BACKUP, stopped), (stopped.rollout, Change(BACKUP))):
        assert restored(backup, said_of(since)).stopped
    for backup, since in ((BACKUP, paused), (paused.rollout, Change(BACKUP))):
        assert restored(backup, said_of(since)).paused


def test_what_waited_is_held_and_no_number_of_a_rollout_stands_for_two() -> None:
    backup = replace(BACKUP, queued=Version.of(evaluation(V3, V1)))
    said = said_of(Change(replace(BACKUP, number=5)))

    change = restore(backup, said, why="restored", now=LATER)

    assert (change.rollout.queued, change.rollout.number) == (None, 5)
    assert Transition("held", "promoter", "restored", V3) in change.transitions


@pytest.mark.parametrize(
    ("verdict", "days", "state"),
    [("PASS", 0, "held"), ("FAIL", 0, "refused"), ("PASS", 2, "queued")],
)
def test_what_passed_before_the_restore_is_held(verdict: str, days: int, state: str) -> None:
    after = restored(BACKUP, said_of(Change(BACKUP)))
    judged = evaluation(V3, V1, verdict, occurred_at=NOW + timedelta(days=days))

    change = apply_evaluation(after, judged, known=None, now=LATER)

    assert [(each.what, each.version) for each in change.transitions] == [(state, V3)]


def test_what_was_not_said_since_changes_nothing() -> None:
    for revision in (6, 7):
        change = restore(BACKUP, said_of(Change(BACKUP), revision=revision), why="", now=LATER)
        assert change == Change(BACKUP)


def test_a_stop_that_was_undone_stays_undone() -> None:
    """The topic still holds it, below the revision of the tables."""
    older = said_of(stop(BACKUP, who="ann", why="odd"), revision=7)
    assert not restate(BACKUP, found=older, why="another state").rollout.stopped


def test_nothing_is_above_the_highest_revision() -> None:
    with pytest.raises(Conflict, match="highest revision"):
        restored(BACKUP, said_of(Change(BACKUP), revision=HIGHEST_REVISION))
