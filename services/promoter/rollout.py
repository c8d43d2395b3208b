"""How a version becomes the champion: shadow, canary, full. Pure: a state in, a change out.

One rollout per task runs at a time, and the newest passing candidate waits. The last good version
stays named, so that going back is a pointer move; from a first version it leads to no champion, and
every case to people. Every transition says who and why.
"""

import re
from dataclasses import replace
from datetime import datetime
from functools import partial

from services.promoter.guard import StageCounts
from services.promoter.state import (
    Change,
    Rollout,
    RolloutLimits,
    Transition,
    Version,
    VersionState,
    name_of,
    number_of,
    served_of,
)
from shared.errors import Conflict
from shared.events import ModelEvaluated, RolloutChanged, Stage, Verdict
from shared.events.models import HIGHEST_REVISION

PROMOTER = "promoter"
_WAS_IN_SERVICE = ("shadow", "canary", "champion", "retired", "rolled_back")


def is_newer(version: str, other: str) -> bool:
    """Whether `version` has the higher number: adjudication-v1.10 is newer than -v1.9."""
    return _numbers(version) > _numbers(other)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]


def apply_evaluation(
    rollout: Rollout, evaluation: ModelEvaluated, *, known: VersionState | None, now: datetime
) -> Change:
    """What an evaluation changes. `known` is the version's state so far."""
    version = Version.of(evaluation)
    champion = name_of(rollout.champion)
    if known in _WAS_IN_SERVICE:
        return Change(rollout)
    if name_of(rollout.queued) == version.name:
        rollout = replace(rollout, queued=None)
    if champion is not None and is_newer(champion, version.name):
        return _note(rollout, version, "superseded", f"{champion} is newer")
    if evaluation.champion != champion:
        why = f"compared with {evaluation.champion}, but the champion is {champion}"
        return _note(rollout, version, "outdated", why)
    why = "; ".join(evaluation.reasons) or evaluation.verdict
    if evaluation.verdict == "FAIL":
        return _note(rollout, version, "refused", why)
    if evaluation.verdict == "INCONCLUSIVE":
        return _note(rollout, version, "held", why)
    if rollout.restored_at is not None and evaluation.occurred_at <= rollout.restored_at:
        return _note(rollout, version, "held", "evaluated before a backup was restored")
    return _enqueue(rollout, version, who=PROMOTER, why=why).then(lambda r: _next(r, now=now))


def promote(
    rollout: Rollout, version: Version, *, verdict: Verdict, who: str, why: str, now: datetime
) -> Change:
    """Start by hand what the gate held; `Conflict` for a version that failed or serves."""
    if verdict == "FAIL":
        raise Conflict(f"{version.name} failed its evaluation", field="version")
    if version.name in (name_of(rollout.champion), name_of(rollout.candidate)):
        raise Conflict(f"{version.name} serves already", field="version")
    version = replace(version, against=name_of(rollout.champion))
    change = Change(replace(rollout, queued=None))
    if rollout.queued is not None and rollout.queued.name != version.name:
        by_hand = f"{version.name} was promoted by hand"
        change = _note(change.rollout, rollout.queued, "superseded", by_hand)
    return change.then(lambda r: _enqueue(r, version, who=who, why=why)).then(
        lambda r: _next(r, now=now, who=who, why=why)
    )


def tick(rollout: Rollout, *, counts: StageCounts, limits: RolloutLimits, now: datetime) -> Change:
    """What time and the cases counted so far change."""
    if rollout.watched is None:
        return _next(rollout, now=now)
    lacks = missing(rollout, counts=counts, limits=limits, now=now)
    if counts.seen >= limits.guard.cases or not lacks:
        fault = limits.guard.fault(
            counts,
            promised=rollout.watched.accept_rate,
            unanswered=rollout.unanswered_share,
        )
        if fault is not None:
            return rollback(rollout, who=PROMOTER, why=f"{rollout.watched.name} {fault}")
    if lacks or rollout.paused or rollout.stopped:
        return Change(rollout)
    return _advance(rollout, counts=counts, limits=limits, now=now)


def missing(
    rollout: Rollout, *, counts: StageCounts, limits: RolloutLimits, now: datetime
) -> tuple[str, ...]:
    """What the running stage still lacks, in words."""
    if rollout.watched is None or rollout.stage is None or rollout.stage_since is None:
        return ()
    limit = limits.of(rollout.stage)
    elapsed = (now - rollout.stage_since).total_seconds()
    lacks = []
    if counts.cases < limit.cases:
        lacks.append(f"{limit.cases - counts.cases} more cases")
    if elapsed < limit.seconds:
        lacks.append(f"{limit.seconds - elapsed:.0f} more seconds")
    return tuple(lacks)


def rollback(rollout: Rollout, *, who: str, why: str) -> Change:
    """End the running rollout, else go back to the last good version. Where the first version of a
    task is still watched, that leaves no champion: every case goes to people."""
    if rollout.candidate is not None:
        after = _public(replace(rollout, candidate=None, stage="full", share=0.0))
        return Change(after, (Transition("rolled_back", who, why, rollout.candidate.name),))
    if rollout.champion is not None and rollout.last_good is None and rollout.watching:
        after = _public(replace(rollout, champion=None, stage=None, watching=False))
        return Change(after, (Transition("rolled_back", who, why, rollout.champion.name),))
    if rollout.champion is None or rollout.last_good is None:
        raise Conflict("there is no version to go back to; stop sends every case to humans")
    after = _public(replace(rollout, champion=rollout.last_good, last_good=None, watching=False))
    return Change(
        after,
        (
            Transition("rolled_back", who, why, rollout.champion.name),
            Transition("champion", who, why, rollout.last_good.name),
        ),
    )


def pause(rollout: Rollout, *, who: str, why: str) -> Change:
    """Keep the candidate where it is and start no other. The guard watches on."""
    if rollout.paused:
        return Change(rollout)
    return Change(_public(replace(rollout, paused=True)), (Transition("paused", who, why),))


def resume(rollout: Rollout, *, who: str, why: str) -> Change:
    """Let a paused rollout continue."""
    if not rollout.paused:
        return Change(rollout)
    return Change(_public(replace(rollout, paused=False)), (Transition("resumed", who, why),))


def stop(rollout: Rollout, *, who: str, why: str) -> Change:
    """Send every case to humans, and let no rollout advance."""
    if rollout.stopped:
        return Change(rollout)
    return Change(_public(replace(rollout, stopped=True)), (Transition("stopped", who, why),))


def start(rollout: Rollout, *, who: str, why: str) -> Change:
    """Undo a stop."""
    if not rollout.stopped:
        return Change(rollout)
    return Change(_public(replace(rollout, stopped=False)), (Transition("started", who, why),))


def restate(rollout: Rollout, *, found: RolloutChanged | None, why: str) -> Change:
    """The same state, said above the one found on the topic; `Conflict` if there is none above.

    What is stopped or paused there stays so, whoever said it: an operator lets it go on.
    """
    if found is None or found.revision <= rollout.revision:
        return _said_as(rollout, rollout.revision + 1, why=why)
    change = Change(rollout)
    if found.stopped:
        change = change.then(partial(stop, who=PROMOTER, why=why))
    if found.paused:
        change = change.then(partial(pause, who=PROMOTER, why=why))
    return change.then(lambda r: _said_as(r, found.revision + 1, why=why))


def restore(rollout: Rollout, said: RolloutChanged, *, why: str, now: datetime) -> Change:
    """The state of a backup, where its promoter has said more since.

    What became of the versions meanwhile nobody knows. So what waits is held and a stage begins
    anew, and where the topic has others in service, every case goes to people.
    """
    if said.revision <= rollout.revision:
        return Change(rollout)
    after = replace(
        rollout,
        number=max(rollout.number, number_of(said.rollout_id, task=rollout.task)),
        queued=None,
        stage_since=now if rollout.stage else None,
        stage_revision=said.revision + 1,
        restored_at=now,
    )
    change = _note(after, rollout.queued, "held", why) if rollout.queued else Change(after)
    if (said.champion, said.candidate) != (*map(served_of, rollout.serving[:2]),):
        said = said.model_copy(update={"stopped": True})
    return change.then(lambda r: restate(r, found=said, why=why))


def _said_as(rollout: Rollout, revision: int, *, why: str) -> Change:
    if revision > HIGHEST_REVISION:
        raise Conflict(
            "somebody wrote the highest revision there is: stop the services, delete the topic "
            "rollouts.changed.v1, run `caseloop topics`, and start them again"
        )
    return Change(replace(rollout, revision=revision), (Transition("restated", PROMOTER, why),))


def _advance(
    rollout: Rollout, *, counts: StageCounts, limits: RolloutLimits, now: datetime
) -> Change:
    candidate, champion = rollout.candidate, rollout.champion
    why = f"{counts.cases} cases in {rollout.stage}, no fault"
    if candidate is None or champion is None:
        after = _public(replace(rollout, watching=False))
        return Change(after, (Transition("settled", PROMOTER, why),))
    if rollout.stage == "shadow":
        after = _staged(rollout, "canary", now=now, share=limits.share)
        return Change(after, (Transition("canary", PROMOTER, why, candidate.name),))
    after = replace(
        _staged(rollout, "full", now=now, share=0.0),
        champion=candidate,
        candidate=None,
        last_good=champion,
        watching=True,
    )
    return Change(
        after,
        (
            Transition("retired", PROMOTER, f"{candidate.name} is champion", champion.name),
            Transition("champion", PROMOTER, why, candidate.name),
        ),
    )


def _next(
    rollout: Rollout, *, now: datetime, who: str = PROMOTER, why: str | None = None
) -> Change:
    """Begin with the version that waits, if nothing else runs."""
    version = rollout.queued
    if version is None or rollout.watched is not None or rollout.paused or rollout.stopped:
        return Change(rollout)
    rollout = replace(rollout, queued=None)
    champion = name_of(rollout.champion)
    if version.against != champion:
        reason = f"compared with {version.against}, but the champion is {champion}"
        return _note(rollout, version, "outdated", reason)
    rollout = replace(rollout, number=rollout.number + 1)
    if champion is None:
        after = _staged(rollout, "full", now=now, share=0.0)
        after = replace(after, champion=version, watching=True)
        reason = why or "passed as the first version"
        return Change(after, (Transition("champion", who, reason, version.name),))
    after = replace(_staged(rollout, "shadow", now=now, share=0.0), candidate=version)
    reason = why or f"passed against {champion}"
    return Change(after, (Transition("shadow", who, reason, version.name),))


def _enqueue(rollout: Rollout, version: Version, *, who: str, why: str) -> Change:
    waiting = rollout.queued
    if waiting is not None and is_newer(waiting.name, version.name):
        return _note(rollout, version, "superseded", f"{waiting.name} is newer and waits")
    change = Change(rollout)
    if waiting is not None:
        change = _note(rollout, waiting, "superseded", f"{version.name} is newer")
    queued = Transition("queued", who, why, version.name)
    return change.then(lambda r: Change(replace(r, queued=version), (queued,)))


def _note(rollout: Rollout, version: Version, state: VersionState, why: str) -> Change:
    """A version's state changes; nobody outside sees a difference."""
    return Change(rollout, (Transition(state, PROMOTER, why, version.name),))


def _staged(rollout: Rollout, stage: Stage, *, now: datetime, share: float) -> Rollout:
    after = _public(replace(rollout, stage=stage, share=share, stage_since=now))
    return replace(after, stage_revision=after.revision)


def _public(rollout: Rollout) -> Rollout:
    """Others can see the difference."""
    return replace(rollout, revision=rollout.revision + 1)
