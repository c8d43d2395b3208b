"""The settings that every service shares."""

import pytest

from shared.settings import engine_settings


def test_engines_come_from_the_environment_that_is_given_and_no_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("S3_ENDPOINT", "this-process:9000")
    monkeypatch.setenv("KAFKA_BOOTSTRAP", "this-process:9092")

    settings = engine_settings({"KAFKA_BOOTSTRAP": "there:9092"})

    assert settings.kafka_bootstrap == "there:9092"
    assert settings.s3_endpoint == "127.0.0.1:9000"
