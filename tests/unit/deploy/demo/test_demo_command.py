"""What `make demo` says when it cannot go on: why, what to look at, and no traceback."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from deploy.demo import __main__ as demo
from deploy.embedded.layout import Layout
from deploy.embedded.stack import Unhealthy
from shared.tasks.independent_review import INDEPENDENT_REVIEW


class SickDeployment:
    """A system whose trainer ends at once."""

    hint = ""
    root_process = None

    def __init__(self, home: Path) -> None:
        self.layout = Layout(home)
        self.layout.create()

    def saved_settings(self) -> Mapping[str, str]:
        return {}

    def start(self, settings: Mapping[str, str]) -> dict[str, str]:
        lines = "\n".join(f"line {number}" for number in range(100))
        self.layout.log("trainer").write_text(f"{lines}\nKeyError: [/threshold]\n")
        raise Unhealthy({"trainer": "no answer"}, self.layout)


def test_the_end_of_the_log_of_an_unhealthy_process_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(demo, "Embedded", lambda _: SickDeployment(tmp_path))

    with pytest.raises(SystemExit) as ended:
        demo.main(history=1)

    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert "not healthy  trainer: no answer" in said
    assert "line 99\nKeyError: [/threshold]\n" in said
    assert "line 1\n" not in said


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (None, "No such file"),
        (b"\xd0\xcf\x11\xe0", "is not a CSV file in UTF-8"),
        (b"a,b\n1,2\n", "Reference ID: the file has no such column"),
    ],
)
def test_a_file_of_claims_that_cannot_be_read_is_one_line(
    content: bytes | None, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "claims.csv"
    if content is not None:
        file.write_bytes(content)

    with pytest.raises(SystemExit) as ended:
        demo.main(claims=str(file))

    said = capsys.readouterr().out
    assert ended.value.code == 1
    assert why in said
    assert len(said.splitlines()) == 1


def test_a_file_of_too_few_cases_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "claims.csv"
    file.write_text(",".join(INDEPENDENT_REVIEW.history.required_columns) + "\n")

    with pytest.raises(SystemExit):
        demo.main(claims=str(file))

    assert "has 0 cases: too few" in capsys.readouterr().out
