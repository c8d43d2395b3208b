"""What the queue should do, in plain Python: seats that change by the steps of `states.py` only.

Time is counted in minutes and moves only when told to. Every operation says whether it is refused.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from services.review_queue.reviewing.states import (
    ESCALATE,
    EXPIRE,
    LEASE,
    RELEASE,
    SETTLE,
    STEPS,
    SUBMIT,
    UNDO,
    WITHDRAW,
    Step,
)

LEASE_MINUTES, UNDO_MINUTES, SKIP_MINUTES, LEASES = 60, 1, 120, 3
Name = Literal[
    "lease", "heartbeat", "commit", "submit", "release", "escalate", "undo", "pause", "resume",
    "expire", "withdraw", "settle",
]  # fmt: skip
SWEEPS: tuple[Name, ...] = ("expire", "withdraw", "settle")
Outcome = tuple[str, int] | Literal["done", "refused", "nothing"]  # of a lease: case and seat


@dataclass(frozen=True)
class Operation:
    """Who does what: on the `held`-th of all leases so far, as it was at `version`."""

    name: Name
    reviewer: str = ""
    held: int = -1
    version: int = 0
    label: str = ""


@dataclass
class Seat:
    kind: str
    state: str = "queued"
    opinion: tuple[str, str, str | None] | None = None  # reviewer, label, label before

    def step(self, step: Step) -> None:
        assert step in STEPS
        assert self.state == step.before
        self.state = step.after


@dataclass
class Review:
    blind: bool
    seats: list[Seat]
    label: str | None = None
    deciding_seat: int | None = None

    @property
    def final(self) -> Seat | None:
        return next((seat for seat in self.seats if seat.kind == "final"), None)

    def is_free(self, seat: Seat) -> bool:
        """A final word waits for what the others say."""
        over = all(
            each.state in {"answered", "withdrawn"} for each in self.seats if each is not seat
        )
        return seat.state == "queued" and (seat.kind != "final" or over)


@dataclass
class Lease:
    case: str
    seat: int
    reviewer: str
    expires: int
    before: str | None
    state: str = "leased"
    version: int = 0
    settles: int = 0
    ended: int = 0
    skipped: bool = False


@dataclass
class Model:
    """`queue` are the cases in the order of their rank."""

    seniors: frozenset[str]
    now: int = 0
    queue: list[str] = field(default_factory=list)
    reviews: dict[str, Review] = field(default_factory=dict)
    leases: list[Lease] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)

    def request(self, case: str, *, overlap: bool, blind: bool) -> None:
        kinds = ("first", "second") if overlap else ("first",)
        self.reviews[case] = Review(blind, [Seat(kind) for kind in kinds])
        self.queue.append(case)

    def seat(self, lease: Lease) -> Seat:
        return self.reviews[lease.case].seats[lease.seat - 1]

    def free(self, reviewer: str) -> Iterator[tuple[str, int, bool]]:
        """The seats that a reviewer can get, in the order of the queue; whether they are final."""
        taken = {
            lease.case
            for lease in self.leases
            if lease.reviewer == reviewer
            and (
                lease.state in {"leased", "submitted", "answered", "escalated"}
                or (lease.skipped and lease.ended + SKIP_MINUTES > self.now)
            )
        }
        for case in self.queue:
            review = self.reviews[case]
            for number, seat in enumerate(review.seats, start=1):
                if review.is_free(seat) and case not in taken:
                    yield case, number, seat.kind == "final"

    def next_for(self, reviewer: str) -> list[tuple[str, int]]:
        """The seats of the case that is next; a case's own seats have one rank."""
        found = list(self.free(reviewer))
        finals = [(case, number) for case, number, final in found if final]
        others = [(case, number) for case, number, final in found if not final]
        best = (finals if reviewer in self.seniors else []) or others
        return [each for each in best if each[0] == best[0][0]]

    def may_lease(self, reviewer: str) -> bool:
        held = [each for each in self.leases if each.reviewer == reviewer]
        full = sum(each.state == "leased" for each in held) >= LEASES
        return reviewer not in self.paused and not full

    def lease(self, reviewer: str, case: str, number: int) -> None:
        earlier = (e for e in self.leases if (e.case, e.reviewer) == (case, reviewer))
        before = next((each.before for each in earlier if each.before), None)
        self.reviews[case].seats[number - 1].step(LEASE)
        self.leases.append(Lease(case, number, reviewer, self.now + LEASE_MINUTES, before))

    def apply(self, op: Operation) -> Outcome:
        """Do anything but leasing."""
        sweeps = {"expire": self._expire, "withdraw": self._withdraw, "settle": self._settle}
        if op.name in sweeps:
            sweeps[op.name]()
            return "done"
        if op.name in {"pause", "resume"}:
            return self._pause(op) if op.name == "pause" else self._resume(op)
        lease = self.leases[op.held]
        acts = {
            "heartbeat": self._heartbeat,
            "commit": self._commit,
            "submit": self._submit,
            "release": self._release,
            "escalate": self._escalate,
            "undo": self._undo,
        }
        return "done" if acts[op.name](lease, op) else "refused"

    def _holds(self, lease: Lease, op: Operation) -> bool:
        right = lease.version == op.version and lease.reviewer == op.reviewer
        return right and lease.state == "leased" and lease.expires > self.now

    def _heartbeat(self, lease: Lease, op: Operation) -> bool:
        if not self._holds(lease, op):
            return False
        lease.expires = self.now + LEASE_MINUTES
        return True

    def _commit(self, lease: Lease, op: Operation) -> bool:
        blind = self.reviews[lease.case].blind
        if not self._holds(lease, op) or lease.before or not blind:
            return False
        lease.before = op.label
        return True

    def _submit(self, lease: Lease, op: Operation) -> bool:
        if not self._holds(lease, op):
            return False
        self._end(lease, SUBMIT)
        lease.settles = self.now + UNDO_MINUTES
        self.seat(lease).opinion = (lease.reviewer, op.label, lease.before)
        return True

    def _release(self, lease: Lease, op: Operation) -> bool:
        if not self._holds(lease, op):
            return False
        self._end(lease, RELEASE)
        lease.skipped = True
        return True

    def _escalate(self, lease: Lease, op: Operation) -> bool:
        if not self._holds(lease, op) or self.seat(lease).kind == "final":
            return False
        self._end(lease, ESCALATE)
        if self.reviews[lease.case].final is None:
            self.seat(lease).kind = "final"
        self._withdraw_from(self.reviews[lease.case])
        return True

    def _undo(self, lease: Lease, op: Operation) -> bool:
        right = (lease.version, lease.reviewer) == (op.version, op.reviewer)
        in_time = lease.state == "submitted" and lease.settles > self.now
        if not right or not in_time or op.reviewer in self.paused:
            return False
        self._end(lease, UNDO)
        lease.version += 1
        lease.expires = self.now + LEASE_MINUTES
        self.seat(lease).opinion = None
        return True

    def _pause(self, op: Operation) -> Outcome:
        if op.reviewer in self.paused:
            return "refused"
        self.paused.add(op.reviewer)
        for lease in self.leases:
            if lease.reviewer == op.reviewer and lease.state == "leased":
                self._end(lease, RELEASE)
        return "done"

    def _resume(self, op: Operation) -> Outcome:
        if op.reviewer not in self.paused:
            return "refused"
        self.paused.remove(op.reviewer)
        return "done"

    def _expire(self) -> None:
        for lease in self.leases:
            if lease.state == "leased" and lease.expires <= self.now:
                self._end(lease, EXPIRE)

    def _withdraw(self) -> None:
        for review in self.reviews.values():
            if review.final and review.final.state == "queued":
                self._withdraw_from(review)

    def _withdraw_from(self, review: Review) -> None:
        for seat in review.seats:
            if seat.kind != "final" and seat.state == "queued":
                seat.step(WITHDRAW)

    def _settle(self) -> None:
        due = [e for e in self.leases if e.state == "submitted" and e.settles <= self.now]
        for lease in due:
            self._end(lease, SETTLE)
        for case in {lease.case for lease in due}:
            self._conclude(self.reviews[case])

    def _end(self, lease: Lease, step: Step) -> None:
        assert step.assignment is not None
        self.seat(lease).step(step)
        lease.state = step.assignment
        lease.ended = self.now

    def _conclude(self, review: Review) -> None:
        if any(seat.state not in {"answered", "withdrawn"} for seat in review.seats):
            return
        labels = {n: seat.opinion[1] for n, seat in enumerate(review.seats, 1) if seat.opinion}
        finals = [n for n in labels if review.seats[n - 1].kind == "final"]
        shared = [n for n in labels if list(labels.values()).count(labels[n]) > 1]
        if finals or shared or len(labels) == 1:
            review.deciding_seat = (finals or shared or list(labels))[0]
            review.label = labels[review.deciding_seat]
        else:
            review.seats.append(Seat("further" if len(labels) == 2 else "final"))
