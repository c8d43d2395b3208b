"""Draws can be replayed with the key, not be foreseen without it, and no service draws without."""

import math

import pytest
from pydantic import ValidationError

from services.confidence_filter.settings import Settings as FilterSettings
from services.dataset_accumulator.settings import Settings as AccumulatorSettings
from services.inference.settings import Settings as InferenceSettings
from services.review_queue.settings import Settings as ReviewSettings
from shared.sampling import DrawKey
from shared.settings import DrawingSettings
from tests.support.draw_key import KEY, TEXT

DRAWING = (FilterSettings, AccumulatorSettings, InferenceSettings, ReviewSettings)
AUDIT_RATE = 0.05


def test_a_draw_is_uniform_and_can_be_replayed() -> None:
    draws = [KEY.draw("audit", f"case-{n}") for n in range(20_000)]
    assert draws == [KEY.draw("audit", f"case-{n}") for n in range(20_000)]
    # The mean of 20,000 uniform draws has a standard deviation of 0.002; four of them.
    assert abs(sum(draws) / 20_000 - 0.5) < 0.0082
    assert 0 <= min(draws) < max(draws) < 1


def test_ids_chosen_against_one_key_are_audited_under_another() -> None:
    """Today's salts stood in the source: 18,982 chosen ids had no audit."""
    known = DrawKey("1", b"what stood in the source")
    chosen = [f"c{n}" for n in range(20_000) if known.draw("audit", f"c{n}") >= AUDIT_RATE]
    audited = sum(KEY.draw("audit", case_id) < AUDIT_RATE for case_id in chosen)
    expected, deviation = AUDIT_RATE * len(chosen), math.sqrt(0.05 * 0.95 * len(chosen))
    assert abs(audited - expected) < 4 * deviation


def test_a_draw_for_one_purpose_says_nothing_of_another() -> None:
    assert KEY.draw("overlap", "review-1") != KEY.draw("blind", "review-1")


@pytest.mark.parametrize("settings", DRAWING)
@pytest.mark.parametrize(
    "key", [None, "", "audit-1", "split-1", "1:", ":" + "ab12" * 16, "1:short", "1:" + "x" * 64]
)
def test_a_service_that_draws_does_not_start_without_a_secret(
    settings: type[DrawingSettings], key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key is None:
        monkeypatch.delenv("DRAW_KEY")
    else:
        monkeypatch.setenv("DRAW_KEY", key)
    with pytest.raises(ValidationError) as refused:
        settings()
    assert [error["loc"] for error in refused.value.errors()] == [("DRAW_KEY",)]


def test_the_secret_is_never_shown() -> None:
    settings = FilterSettings()
    secret = TEXT.partition(":")[2]
    assert settings.key == KEY
    assert secret not in repr(settings) + repr(settings.key) + str(settings)
