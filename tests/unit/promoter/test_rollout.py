from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.promoter.guard import Guard, StageCounts
from services.promoter.rollout import (
    apply_evaluation,
    is_newer,
    missing,
    pause,
    promote,
    resume,
    rollback,
    start,
    stop,
    tick,
)
from services.promoter.state import Change, Rollout, RolloutLimits, StageLimit, Version, event_of
from shared.errors import Conflict
from tests.support.builders.evaluations import evaluation, measures
from tests.support.builders.events import NOW

LIMITS = RolloutLimits(
    shadow=StageLimit(100, 60),
    canary=StageLimit(200, 120),
    full=StageLimit(50, 30),
    share=0.25,
    guard=Guard(cases=50, failed_share=0.05, label_mass=0.5, accept_deviation=0.25),
)
FINE = StageCounts(cases=1000, scored=1000, label_mass=990.0, accepted=300)
LATER = NOW + timedelta(days=1)
V0, V1, V2, V3 = (f"adjudication-v1.{minor}" for minor in range(4))


def fresh() -> Rollout:
    """A first version, still watched."""
    return apply_evaluation(
        Rollout("adjudication"), evaluation(V0, None), known=None, now=NOW
    ).rollout


def first() -> Rollout:
    """A first version that nobody watches any more."""
    return tick(fresh(), counts=FINE, limits=LIMITS, now=LATER).rollout


def shadow() -> Rollout:
    return apply_evaluation(first(), evaluation(V1, V0), known=None, now=NOW).rollout


def go_on(rollout: Rollout, counts: StageCounts = FINE) -> Rollout:
    return on(rollout, counts).rollout


def on(rollout: Rollout, counts: StageCounts = FINE) -> Change:
    """A day later."""
    since = rollout.stage_since or NOW
    return tick(rollout, counts=counts, limits=LIMITS, now=since + timedelta(days=1))


def names(change: Change) -> list[tuple[str, str | None]]:
    return [(t.what, t.version) for t in change.transitions]


def test_the_first_version_that_passes_is_champion_at_once() -> None:
    change = apply_evaluation(Rollout("adjudication"), evaluation(V0, None), known=None, now=NOW)

    assert names(change) == [("queued", V0), ("champion", V0)]
    event = event_of(change, at=NOW)
    assert event.champion is not None
    assert (event.champion.version, event.stage, event.revision) == (V0, "full", 1)
    assert event.candidate is None


def test_a_first_version_is_watched_in_full_before_anything_else_begins() -> None:
    rollout = fresh()
    assert rollout.watched == rollout.champion is not None
    assert missing(rollout, counts=StageCounts(), limits=LIMITS, now=NOW) == (
        "50 more cases",
        "30 more seconds",
    )
    waiting = apply_evaluation(rollout, evaluation(V1, V0), known=None, now=NOW)
    assert names(waiting) == [("queued", V1)]
    settled = on(waiting.rollout)
    assert names(settled) == [("settled", None)]
    assert names(on(settled.rollout)) == [("shadow", V1)]


@pytest.mark.parametrize("by_hand", [False, True])
def test_from_a_faulty_first_version_the_way_back_leads_to_no_champion(by_hand: bool) -> None:
    if by_hand:
        change = rollback(fresh(), who="ann", why="odd")
    else:
        change = on(fresh(), StageCounts(cases=47, scored=47, failed=3, label_mass=47.0))
    assert names(change) == [("rolled_back", V0)]
    event = event_of(change, at=NOW)
    assert (event.champion, event.candidate, event.last_good, event.stage) == (None,) * 4
    assert event.changed_by == ("ann" if by_hand else "promoter")
    assert event.revision == fresh().revision + 1
    assert change.rollout.watched is None
    assert event.served(V0) is None
    assert go_on(change.rollout) == change.rollout


def test_what_follows_no_champion_is_watched_as_a_first_version() -> None:
    rollout = rollback(fresh(), who="ann", why="odd").rollout
    late = apply_evaluation(rollout, evaluation(V1, V0), known=None, now=LATER)
    assert names(late) == [("outdated", V1)]
    again = apply_evaluation(rollout, evaluation(V0, None), known="rolled_back", now=LATER)
    assert not again.transitions
    change = apply_evaluation(late.rollout, evaluation(V1, None), known="outdated", now=LATER)
    assert names(change) == [("queued", V1), ("champion", V1)]
    assert change.rollout.watched == change.rollout.champion is not None
    held = Version.of(evaluation(V0, None))
    change = promote(rollout, held, verdict="INCONCLUSIVE", who="ann", why="it was S3", now=LATER)
    assert names(change) == [("queued", V0), ("champion", V0)]
    assert change.rollout.watched is not None


def test_a_first_version_may_leave_unscored_what_its_evaluation_did_and_no_more() -> None:
    """It has no other version beside it that tells its failures from cases nobody can score."""
    promised = evaluation(V0, None, candidate_measures=measures(V0, unanswered_share=0.08))
    rollout = apply_evaluation(Rollout("adjudication"), promised, known=None, now=NOW).rollout

    def failing(failed: int) -> StageCounts:
        scored = 100 - failed
        return StageCounts(scored, scored, failed, label_mass=scored, accepted=30)

    assert names(on(rollout, failing(13))) == [("settled", None)]
    assert names(on(rollout, failing(14))) == [("rolled_back", V0)]
    of_a_second = measures(V1, unanswered_share=0.08)
    promised = evaluation(V1, V0, candidate_measures=of_a_second)
    beside = apply_evaluation(first(), promised, known=None, now=NOW).rollout
    assert names(on(beside, failing(6))) == [("rolled_back", V1)]


@pytest.mark.parametrize(("verdict", "state"), [("FAIL", "refused"), ("INCONCLUSIVE", "held")])
def test_a_first_version_that_does_not_pass_serves_nobody(verdict: str, state: str) -> None:
    rollout = Rollout("adjudication")
    change = apply_evaluation(rollout, evaluation(V0, None, verdict), known=None, now=NOW)

    assert change.rollout == rollout
    assert names(change) == [(state, V0)]
    assert change.transitions[0].why == f"a reason for {verdict}"


def test_a_candidate_goes_through_shadow_and_canary_to_full() -> None:
    rollout = shadow()
    assert (rollout.stage, rollout.share) == ("shadow", 0.0)
    rollout = go_on(rollout)
    assert (rollout.stage, rollout.share) == ("canary", 0.25)
    change = on(rollout)
    assert names(change) == [("retired", V0), ("champion", V1)]
    full = event_of(change, at=LATER)
    assert full.champion is not None
    assert full.last_good is not None
    assert (full.champion.version, full.last_good.version, full.stage) == (V1, V0, "full")
    assert full.candidate is None
    assert names(on(change.rollout)) == [("settled", None)]


@pytest.mark.parametrize("stage", ["shadow", "canary"])
def test_a_stage_needs_its_cases_and_its_time(stage: str) -> None:
    rollout = shadow() if stage == "shadow" else replace(shadow(), stage="canary", share=0.25)
    limit = LIMITS.shadow if stage == "shadow" else LIMITS.canary
    enough = replace(FINE, cases=limit.cases)
    over = NOW + timedelta(seconds=limit.seconds)

    def stays(counts: StageCounts, now: object) -> bool:
        return tick(rollout, counts=counts, limits=LIMITS, now=now).rollout == rollout  # type: ignore[arg-type]

    assert stays(replace(enough, cases=limit.cases - 1), over)
    assert stays(enough, over - timedelta(seconds=1))
    assert not stays(enough, over)


def test_what_a_stage_lacks_is_said_in_words() -> None:
    lacks = missing(shadow(), counts=StageCounts(cases=40), limits=LIMITS, now=NOW)
    assert lacks == ("60 more cases", "60 more seconds")
    assert missing(shadow(), counts=FINE, limits=LIMITS, now=LATER) == ()


@pytest.mark.parametrize(
    ("counts", "why"),
    [
        (
            StageCounts(cases=47, scored=47, failed=3, label_mass=47.0, accepted=14),
            "failed on 3 of 50",
        ),
        (StageCounts(cases=0, failed=50), "failed on 50 of 50"),
        (StageCounts(cases=50, scored=50, label_mass=20.0, accepted=15), "mean mass of 0.40"),
        (StageCounts(cases=50, scored=50, label_mass=50.0, accepted=40), "would accept 80%"),
    ],
)
def test_the_guard_takes_a_faulty_candidate_out(counts: StageCounts, why: str) -> None:
    for stage in ("shadow", "canary"):
        rollout = replace(shadow(), stage=stage)
        change = tick(rollout, counts=counts, limits=LIMITS, now=NOW)
        assert names(change) == [("rolled_back", V1)]
        assert why in change.transitions[0].why
        event = event_of(change, at=NOW)
        assert event.candidate is None
        assert event.champion is not None
        assert (event.champion.version, event.share) == (V0, 0.0)


def test_the_guard_says_nothing_on_few_cases() -> None:
    counts = StageCounts(cases=10, scored=10, failed=39, label_mass=1.0)
    assert go_on(shadow(), counts) == shadow()


def test_a_stage_shorter_than_the_guards_cases_is_judged_at_its_end() -> None:
    limits = replace(LIMITS, shadow=StageLimit(20, 60))
    faulty = StageCounts(cases=20, scored=20, failed=5, label_mass=20.0, accepted=6)
    change = tick(shadow(), counts=faulty, limits=limits, now=LATER)
    assert names(change) == [("rolled_back", V1)]


def test_the_guard_goes_back_from_a_fresh_champion_to_the_last_good_one() -> None:
    rollout = go_on(go_on(shadow()))
    change = on(rollout, StageCounts(failed=50))
    assert names(change) == [("rolled_back", V1), ("champion", V0)]
    assert change.rollout.champion is not None
    assert change.rollout.champion.name == V0
    assert change.rollout.watched is None


def test_a_settled_champion_is_not_watched_any_more() -> None:
    rollout = go_on(go_on(go_on(shadow())))
    assert rollout.watched is None
    assert go_on(rollout, StageCounts(failed=500)) == rollout


def test_the_newest_passing_candidate_waits_and_begins_when_the_running_one_is_out() -> None:
    rollout = shadow()
    change = apply_evaluation(rollout, evaluation(V2, V0), known=None, now=NOW)
    assert names(change) == [("queued", V2)]
    assert change.rollout.revision == rollout.revision  # nobody outside sees a difference
    change = apply_evaluation(change.rollout, evaluation(V3, V0), known=None, now=NOW)
    assert names(change) == [("superseded", V2), ("queued", V3)]
    late = apply_evaluation(change.rollout, evaluation(V2, V0), known="superseded", now=NOW)
    assert names(late) == [("superseded", V2)]

    rollout = rollback(change.rollout, who="ann", why="looks odd").rollout
    change = tick(rollout, counts=StageCounts(), limits=LIMITS, now=NOW)
    assert names(change) == [("shadow", V3)]
    assert change.rollout.rollout_id != rollout.rollout_id


def test_a_waiting_candidate_compared_with_another_champion_waits_for_a_new_evaluation() -> None:
    rollout = apply_evaluation(shadow(), evaluation(V2, V0), known=None, now=NOW).rollout
    rollout = go_on(go_on(go_on(rollout)))  # the first is champion and settled
    change = on(rollout)
    assert names(change) == [("outdated", V2)]
    assert change.rollout.queued is None
    change = apply_evaluation(change.rollout, evaluation(V2, V1), known="outdated", now=LATER)
    assert names(change) == [("queued", V2), ("shadow", V2)]


def test_an_evaluation_against_another_champion_starts_nothing() -> None:
    for verdict in ("PASS", "FAIL", "INCONCLUSIVE"):
        change = apply_evaluation(first(), evaluation(V1, None, verdict), known=None, now=NOW)
        assert names(change) == [("outdated", V1)]
        assert change.rollout == first()


def test_a_version_older_than_the_champion_is_superseded() -> None:
    rollout = apply_evaluation(
        Rollout("adjudication"), evaluation(V2, None), known=None, now=NOW
    ).rollout
    assert (
        names(apply_evaluation(rollout, evaluation(V1, V2), known=None, now=NOW))[0][0]
        == "superseded"
    )


def test_a_waiting_version_that_fails_its_next_evaluation_waits_no_longer() -> None:
    waiting = apply_evaluation(shadow(), evaluation(V2, V0), known=None, now=NOW).rollout
    change = apply_evaluation(waiting, evaluation(V2, V0, "FAIL"), known="queued", now=NOW)
    assert change.rollout.queued is None


def test_a_version_that_was_rolled_back_does_not_return_by_itself() -> None:
    rollout = rollback(shadow(), who="ann", why="odd").rollout
    assert not apply_evaluation(
        rollout, evaluation(V1, V0), known="rolled_back", now=NOW
    ).transitions
    change = promote(
        rollout, Version.of(evaluation(V1, V0)), verdict="PASS", who="ann", why="it was S3", now=NOW
    )
    assert names(change) == [("queued", V1), ("shadow", V1)]
    assert event_of(change, at=NOW).changed_by == "ann"


def test_an_operator_can_promote_what_was_held_but_not_what_failed_or_serves() -> None:
    held = Version.of(evaluation(V1, V0))
    change = promote(first(), held, verdict="INCONCLUSIVE", who="ann", why="we know it", now=NOW)
    assert names(change)[-1] == ("shadow", V1)
    with pytest.raises(Conflict, match="failed"):
        promote(first(), held, verdict="FAIL", who="ann", why="please", now=NOW)
    with pytest.raises(Conflict, match="serves"):
        promote(shadow(), held, verdict="INCONCLUSIVE", who="ann", why="again", now=NOW)


def test_what_waits_gives_way_to_what_an_operator_promotes() -> None:
    """The newer one waits behind a running rollout; the one promoted by hand takes its place."""
    waiting = apply_evaluation(shadow(), evaluation(V3, V0), known=None, now=NOW).rollout
    assert waiting.queued is not None
    held = Version.of(evaluation(V2, V0))
    change = promote(waiting, held, verdict="INCONCLUSIVE", who="ann", why="it is", now=NOW)
    assert names(change) == [("superseded", V3), ("queued", V2)]
    assert change.rollout.queued is not None
    assert change.rollout.queued.name == V2


def test_rollback_ends_the_rollout_then_goes_back_then_has_nowhere_to_go() -> None:
    rollout = apply_evaluation(
        go_on(go_on(go_on(shadow()))), evaluation(V2, V1), known=None, now=LATER
    ).rollout
    once = rollback(rollout, who="ann", why="odd")
    assert names(once) == [("rolled_back", V2)]
    twice = rollback(once.rollout, who="ann", why="odd")
    assert names(twice) == [("rolled_back", V1), ("champion", V0)]
    assert event_of(twice, at=NOW).changed_by == "ann"
    with pytest.raises(Conflict, match="no version to go back to"):
        rollback(twice.rollout, who="ann", why="odd")


def test_pause_keeps_the_candidate_where_it_is_but_not_from_the_guard() -> None:
    paused = pause(shadow(), who="ann", why="holidays").rollout
    assert event_of(pause(shadow(), who="ann", why="holidays"), at=NOW).paused
    assert go_on(paused) == paused
    assert not pause(paused, who="ann", why="again").transitions
    assert go_on(paused, StageCounts(failed=50)).candidate is None
    assert go_on(resume(paused, who="ann", why="back").rollout).stage == "canary"


def test_nothing_begins_while_paused_or_stopped() -> None:
    for held in (pause(first(), who="a", why="b"), stop(first(), who="a", why="b")):
        rollout = apply_evaluation(held.rollout, evaluation(V1, V0), known=None, now=NOW).rollout
        assert rollout.candidate is None
        assert go_on(rollout).candidate is None
        free = start(resume(rollout, who="a", why="b").rollout, who="a", why="b").rollout
        assert go_on(free).candidate is not None


def test_stop_sends_everything_to_humans_until_start() -> None:
    change = stop(first(), who="ann", why="recall")
    event = event_of(change, at=NOW)
    assert (event.stopped, event.changed_by, event.why) == (True, "ann", "recall")
    assert not event_of(start(change.rollout, who="ann", why="over"), at=NOW).stopped


def test_a_stop_is_possible_before_any_model_exists() -> None:
    event = event_of(stop(Rollout("adjudication"), who="ann", why="not yet"), at=NOW)
    assert event.stopped
    assert event.champion is None


def test_each_rollout_has_a_name_of_its_own_so_that_it_draws_other_arms() -> None:
    one = event_of(apply_evaluation(first(), evaluation(V1, V0), known=None, now=NOW), at=NOW)
    out = rollback(shadow(), who="ann", why="odd").rollout
    two = event_of(apply_evaluation(out, evaluation(V2, V0), known=None, now=NOW), at=NOW)
    assert one.rollout_id != two.rollout_id


def test_versions_are_ordered_by_number() -> None:
    assert is_newer("adjudication-v1.10", "adjudication-v1.9")
    assert is_newer("adjudication-v2.0", "adjudication-v1.99")
    assert not is_newer(V1, V1)


moves = st.lists(
    st.one_of(
        st.tuples(
            st.just("evaluated"),
            st.integers(0, 5),
            st.sampled_from([None, 0, 1, 2, 3]),
            st.sampled_from(["PASS", "FAIL", "INCONCLUSIVE"]),
        ),
        st.tuples(
            st.sampled_from(["tick", "fault", "rollback", "pause", "resume", "stop", "start"])
        ),
    ),
    max_size=40,
)


@given(moves)
def test_whatever_happens_the_state_stays_sound(sequence: list[tuple[object, ...]]) -> None:
    rollout = Rollout("adjudication")
    states: dict[str, Any] = {}
    failed: set[str] = set()
    for name, *rest in sequence:
        before = rollout
        if name == "evaluated":
            number, champion, verdict = rest
            version = f"adjudication-v1.{number}"
            against = None if champion is None else f"adjudication-v1.{champion}"
            event = evaluation(version, against, str(verdict))
            change = apply_evaluation(rollout, event, known=states.get(version), now=LATER)
            if any(t.what == "refused" for t in change.transitions):
                failed.add(version)
            elif change.transitions:
                failed.discard(version)
        elif name in ("tick", "fault"):
            counts = FINE if name == "tick" else StageCounts(failed=100)
            change = on(rollout, counts)
        else:
            order = {"rollback": rollback, "pause": pause, "resume": resume, "stop": stop}
            try:
                change = order.get(str(name), start)(rollout, who="ann", why="test")
            except Conflict:
                continue
        rollout = change.rollout
        states |= {t.version: t.what for t in change.transitions if t.version}
        serving = [v.name for v in (rollout.champion, rollout.candidate) if v]
        assert len(set(serving)) == len(serving)
        assert not failed & set(serving)
        assert [v for v, s in states.items() if s == "champion"] == serving[:1]
        assert [v for v, s in states.items() if s in ("shadow", "canary")] == serving[1:]
        assert (rollout.candidate is None) or rollout.champion is not None
        assert (rollout.stage is None) is (rollout.champion is None)
        if rollout.champion not in (before.champion, before.last_good, None):
            assert rollout.watched == rollout.champion  # whoever is new in service is watched
        if name == "fault" and before.watched is not None:
            assert before.watched.name not in serving
        assert 0 <= rollout.revision - before.revision <= 1 or name == "evaluated"
        assert change.transitions or rollout == before
