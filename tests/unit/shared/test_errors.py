"""What is said of a failure names the field and the kind, and never what the input has in it."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import Rejected, Transient, first_failure, words_of

SECRET = "Mrs. Roe, oncology"


class Line(BaseModel):
    model_config = ConfigDict(extra="forbid")

    code: str = Field(max_length=5)


class Claim(BaseModel):
    lines: tuple[Line, ...] = ()
    probabilities: dict[str, float] = Field(default_factory=dict)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ({"lines": [{"code": "1"}, {"code": SECRET}]}, "lines.1.code"),
        ({"lines": [{"code": "1", SECRET: 1}]}, "lines.0.(unknown name)"),
        ({"probabilities": {SECRET: "x"}}, "probabilities.(unknown name)"),
    ],
)
def test_a_name_that_the_input_made_up_is_not_repeated(content: Any, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Claim.model_validate(content)

    named, reason = first_failure(caught.value, case=Claim)

    assert named == field
    assert SECRET not in reason


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Rejected("must be a year", field="service_date"), "service_date: must be a year"),
        (Transient("Kafka is unavailable"), "Kafka is unavailable"),
        (KeyError(SECRET), "KeyError"),
        (ValueError(f"invalid literal: {SECRET}"), "ValueError"),
    ],
)
def test_of_an_error_that_is_not_ours_only_the_kind_is_said(error: Exception, words: str) -> None:
    assert words_of(error) == words


def test_a_traceback_in_the_log_has_no_words() -> None:
    """In a process of its own: what a log is written to is set up once."""
    result = subprocess.run(
        [sys.executable, "-c", _LOGS], capture_output=True, text=True, check=True
    )

    of_ours, of_a_library = result.stderr.split("library", 1)
    for text in (of_ours, of_a_library):
        assert SECRET not in text
        assert "RuntimeError" in text
        assert "KeyError" in text


_LOGS = f"""
import logging
from shared.telemetry import configure_logging, logger

configure_logging(service="test", level="INFO", style="json")
try:
    try:
        raise KeyError({SECRET!r})
    except KeyError as cause:
        raise RuntimeError({SECRET!r}) from cause
except RuntimeError as error:
    logger.error("unexpected", exc_info=error)
    logging.getLogger("library").exception("broke")
"""
