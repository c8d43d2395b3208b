"""An expected failure is said on stderr, without a traceback and without member data."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kafka.errors import KafkaTimeoutError

from deploy.cli import app, base_models, submission
from shared.errors import Rejected
from shared.models.base_model import BaseModelUnavailable
from shared.tasks.adjudication import ADJUDICATION
from tests.support.builders.events import submitted

INPUT = {**ADJUDICATION.examples[0], "member_id": "SECRET-MEMBER"}
CASE = {"case_id": "CLM-1.1", "task": "adjudication", "input": INPUT}
Say = Callable[..., str]


@pytest.fixture
def say(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Say:
    """Run `caseloop` with engines and services that are not there; what it says on stderr."""
    nowhere = "127.0.0.1:1"
    monkeypatch.setenv("CASELOOP_HOME", str(tmp_path))
    monkeypatch.setenv("KAFKA_BOOTSTRAP", nowhere)
    monkeypatch.setenv("S3_ENDPOINT", nowhere)
    monkeypatch.setenv("DATASET_ACCUMULATOR_URL", f"http://{nowhere}")
    monkeypatch.setenv("API_TOKEN", "a token of a test")

    def run(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["caseloop", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            app.main()
        assert ended.value.code == 1
        return capsys.readouterr().err

    return run


def lines(*cases: Any) -> bytes:
    return "\n".join(json.dumps(case) for case in cases).encode()


def test_a_file_that_is_not_there(say: Say, tmp_path: Path) -> None:
    assert "No such file" in say("submit", tmp_path / "missing.jsonl")


def no_producer(**_: object) -> None:
    """As kafka-python is, after half a minute."""
    raise KafkaTimeoutError("no broker")


def test_kafka_is_away(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_bytes(lines(CASE))
    monkeypatch.setattr(submission, "KafkaProducer", no_producer)

    assert say("submit", file) == "KafkaTimeoutError: no broker\n"


def test_a_service_is_away_while_a_file_is_imported(say: Say, tmp_path: Path) -> None:
    file = tmp_path / "[red].csv"
    file.write_text("claim_id\n")

    assert "dataset_accumulator does not answer" in say("import", file)


def test_the_format_of_a_file_is_passed_on(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(system: object, file: Path, query: dict[str, str], **_: object) -> None:
        raise Rejected(f"{file.suffix} as {query['format']}")

    monkeypatch.setattr(submission, "import_file", refuse)
    file = tmp_path / "history.jsonl"
    file.write_text("{}")

    assert ".jsonl as jsonl" in say("import", file, "--format", "jsonl")
    assert ".jsonl as csv" in say("import", file)


def test_a_base_model_cannot_be_had(say: Say, monkeypatch: pytest.MonkeyPatch) -> None:
    def register(model: str, **_: object) -> str:
        raise BaseModelUnavailable(f"{model} is no causal language model")

    monkeypatch.setattr(base_models, "register", register)

    assert say("register-base", "[/model]") == "[/model] is no causal language model\n"


def test_object_storage_is_away(say: Say) -> None:
    assert "object storage is away" in say("register-base", "[/model]")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({**CASE, "case_id": "not an id"}, "line 3: case_id: String should match"),
        ({**CASE, "attempt": "first"}, "line 3: attempt: "),
        ({**CASE, "input": "SECRET-MEMBER"}, "line 3: input: "),
        ({**CASE, "task": ["SECRET-MEMBER"]}, "line 3: task: "),
        ({**CASE, "input": {**INPUT, "billed_amount": "SECRET"}}, "line 3: input.billed_amount"),
        (["SECRET-MEMBER"], "line 3: is no JSON object"),
    ],
)
def test_a_wrong_case_is_named_with_field_and_reason_and_never_shown(wrong: Any, why: str) -> None:
    with pytest.raises(Rejected) as refused:
        submission.read_cases(lines(CASE) + b"\n\n" + lines(wrong), task="adjudication")

    assert str(refused.value).startswith(why)
    assert "SECRET" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (lines(CASE) + b'\n{"case_id": "SECRET', "line 2: is not JSON: "),
        (b"\xff\xfe", "no UTF-8"),
        (json.dumps([CASE, 1]).encode(), "case 2: is no JSON object"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(Rejected, match=why) as refused:
        submission.read_cases(content, task="adjudication")

    assert "SECRET" not in str(refused.value)


def test_a_case_too_large_is_refused_before_any_is_sent() -> None:
    large = submitted("CLM-2.1").model_copy(update={"input": {"note": "x" * (1 << 20)}})

    with pytest.raises(Rejected, match=r"CLM-2\.1: the record would have"):
        submission.send(["127.0.0.1:1"], [submitted("CLM-1.1"), large])


def test_a_line_ends_only_where_json_lines_end() -> None:
    note = {**INPUT, "clinical_note": "one\u2028two"}
    content = json.dumps({"case_id": "CLM-1.1", "input": note}, ensure_ascii=False).encode()

    first, second = submission.read_cases(content + b"\r\n" + content, task="adjudication")

    assert first.task == second.task == "adjudication"
    assert first.input["clinical_note"] == "one\u2028two"
