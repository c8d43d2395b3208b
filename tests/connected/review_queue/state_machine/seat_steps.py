"""What happens to the queue of a test, drawn by Hypothesis: who wants to do what, and when."""

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.connected.review_queue.state_machine.seat_model import Name
from tests.connected.review_queue.state_machine.seat_world import ANSWERS, REVIEWERS

ON_A_LEASE: tuple[Name, ...] = ("heartbeat", "commit", "submit", "release", "escalate", "undo")
NAMES: tuple[Name, ...] = (
    *ON_A_LEASE, "submit", "submit", "undo", "undo", "lease", "lease", "settle", "expire",
    "withdraw", "pause", "resume", "resume",
)  # fmt: skip

reviewers = st.sampled_from(REVIEWERS)
labels = st.sampled_from(sorted(ANSWERS))


@dataclass(frozen=True)
class Wish:
    """What somebody is about to do, before it is known on which lease."""

    name: Name
    reviewer: str
    which: int
    amiss: bool  # on any lease, also where it makes no sense
    label: str


numbers = st.integers(0, 7)
wishes = st.builds(
    Wish, st.sampled_from(NAMES), reviewers, numbers, numbers.map(lambda n: n > 5), labels
)


def one_of(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(st.just(name), *arguments)


# Whoever stands here twice comes twice as often.
one_step = st.one_of(
    one_of("request", st.booleans(), st.booleans()),
    one_of("lease", st.lists(reviewers, min_size=2, max_size=6)),
    one_of("lease", st.lists(reviewers, min_size=2, max_size=6)),
    one_of("act", st.lists(wishes, min_size=2, max_size=4)),
    one_of("act", st.lists(wishes, min_size=2, max_size=4)),
    one_of("together", st.lists(wishes, min_size=2, max_size=4)),
    one_of("together", st.lists(wishes, min_size=2, max_size=4)),
    one_of("together", st.lists(wishes, min_size=2, max_size=4)),
    one_of("stale", wishes),
    one_of("connection_lost", wishes, st.integers(0, 1)),
    one_of("cancelled", wishes, st.floats(0.0, 0.006)),
    one_of("time_passes", st.sampled_from((1, 1, 60, 120)), st.sampled_from((True, False, False))),
    one_of("time_passes", st.just(1), st.just(False)),
)
