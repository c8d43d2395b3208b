"""What the rules achieve over the laps of the loop, with the default settings."""

from dataclasses import replace

import numpy as np
import pytest

from services.evaluator.measures.threshold import ACCEPTS_NOTHING
from tests.unit.evaluator.laps import GATE, Study, Worse, study

INSTALLATIONS = 25
# Each is worse than the champion by about twice the margin; the sly one is better at what experts
# are asked anyway, and wrong where only audits see it.
WORSE: dict[str, Worse] = {
    "duller": lambda champion: replace(champion, quality=champion.quality - 0.22),
    "blind": lambda champion: replace(champion, blind=0.1),
    "sly": lambda champion: replace(champion, quality=champion.quality + 0.3, blind=0.2),
}


@pytest.fixture(scope="module", params=[300, 1500], ids="{} imported".format)
def laps(request: pytest.FixtureRequest) -> Study:
    return study(history=request.param, installations=INSTALLATIONS, worse=WORSE)


def test_the_loop_goes_on_with_versions_that_help_the_experts(laps: Study) -> None:
    """Of four laps each. A champion that accepts nothing is followed by better ones."""
    assert np.mean(laps.champions) >= 0.9
    assert laps.share(lambda one: one.lacks_cases) <= 0.1


def test_who_accepts_anything_was_confirmed_on_enough_cases(laps: Study) -> None:
    """A few hundred held-out cases rarely show that at most 5 % is wrong where 3 % is."""
    accepting = [one for one in laps.candidates if one.threshold < ACCEPTS_NOTHING]
    assert accepting
    assert len(accepting) < len(laps.candidates) / 2
    for one in accepting:
        assert "5.0% is tolerated" in one.judgment.reasons[-1]


def test_a_worse_version_is_rarely_promoted(laps: Study) -> None:
    assert np.mean([loss for _, loss, _ in laps.worse]) >= 1.5 * GATE.margin
    for kind, share in laps.falsely_promoted().items():
        assert share <= 0.06, kind  # 5 %, and chance


def test_what_is_accepted_is_rarely_wrong_more_often_than_tolerated(laps: Study) -> None:
    errors = np.array([one.accepted_error for one in laps.candidates])
    assert np.mean(errors > GATE.tolerated_error) <= 0.05
