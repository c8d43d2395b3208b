"""Settings come from the environment under the names that operators know."""

import pytest

from services.dataset_accumulator.settings import Settings


def test_the_environment_sets_threshold_schedule_and_shares(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LABEL_THRESHOLD", "7")
    monkeypatch.setenv("RELEASE_SCHEDULE", "30 4 * * *")
    monkeypatch.setenv("RELEASE_MINIMUM_LABELS", "3")
    monkeypatch.setenv("DATASET_ACCUMULATOR_SPLIT_SHARES", '{"train": 0.9, "test": 0.1}')
    monkeypatch.setenv("DATASET_ACCUMULATOR_PORT", "9104")

    settings = Settings()

    assert (settings.label_threshold, settings.release_minimum_labels) == (7, 3)
    assert settings.release_schedule == "30 4 * * *"
    assert settings.split_shares == '{"train": 0.9, "test": 0.1}'
    assert settings.port == 9104


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("RELEASE_SCHEDULE", "sundays", "no cron expression"),
        ("DATASET_ACCUMULATOR_SPLIT_SHARES", "train=0.5", "make 0.5, not 1"),
        ("LABEL_THRESHOLD", "0", "greater than or equal to 1"),
    ],
)
def test_a_wrong_setting_stops_the_start(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, why: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ValueError, match=why):
        Settings()
