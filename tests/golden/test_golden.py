"""The shipped tasks speak as they always have, byte for byte, however the code is built.

Models were trained on these texts and cases were routed by these scores: a change of structure
changes none of them.
"""

import json
import math

import pytest

from tests.golden.observations import KEPT, Observation, observations, written

# A processor may sum in another order, and the fit of a model end a step sooner; a changed text
# moves a score by far more.
_TOLERANCE = 1e-3


@pytest.fixture(scope="module")
def observed() -> dict[str, list[Observation]]:
    return observations()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["prompts", "training_texts", "routes"])
def test_texts_and_routes_are_those_of_before(
    name: str, observed: dict[str, list[Observation]]
) -> None:
    kept = (KEPT / f"{name}.jsonl").read_text(encoding="utf-8")
    assert written(observed[name]).splitlines() == kept.splitlines()


@pytest.mark.slow
def test_scores_are_those_of_before(observed: dict[str, list[Observation]]) -> None:
    kept = [json.loads(line) for line in (KEPT / "scores.jsonl").read_text().splitlines()]
    assert len(observed["scores"]) == len(kept)
    for now, before in zip(observed["scores"], kept, strict=True):
        assert (now["backend"], now["user"]) == (before["backend"], before["user"])
        assert now["log_probabilities"].keys() == before["log_probabilities"].keys()
        for label, value in before["log_probabilities"].items():
            assert math.isclose(now["log_probabilities"][label], value, abs_tol=_TOLERANCE)
