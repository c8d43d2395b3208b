"""Whose token `caseloop` calls with: somebody's who has signed in, or the machine's for the job."""

import json
import stat
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
import typer

from deploy.cli import app
from deploy.cli.client import SESSION, System
from tests.support.callers import TOKENS, token_for

TOKEN = "session-of-olga"
Run = Callable[..., tuple[int, str]]


class ReviewQueue(BaseHTTPRequestHandler):
    """Knows olga by her password, and her session until it is over."""

    over = False

    def do_POST(self) -> None:
        sent = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if sent != {"name": "olga", "password": "the password of olga"}:
            self._answer(401, {"detail": "name or password is wrong"})
            return
        session = {"token": TOKEN, "name": "olga", "role": "operator", "one_time_password": False}
        self._answer(201, session)

    def do_GET(self) -> None:
        known = self.headers["authorization"] == f"Bearer {TOKEN}" and not self.over
        self._answer(200, []) if known else self._answer(401, {"detail": "sign in"})

    def do_DELETE(self) -> None:
        self._answer(204, None)

    def _answer(self, status: int, content: object) -> None:
        self.send_response(status)
        self.end_headers()
        if content is not None:
            self.wfile.write(json.dumps(content).encode())

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def queue() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), ReviewQueue)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(
    queue: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    monkeypatch.setenv("CASELOOP_HOME", str(tmp_path))
    monkeypatch.setenv("REVIEW_QUEUE_URL", queue)
    monkeypatch.setenv("REVIEW_QUEUE_BOOTSTRAP_USERS", "olga:operator:the password of olga")

    def caseloop(*arguments: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["caseloop", *arguments])
        with pytest.raises(SystemExit) as ended:
            app.main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out + said.err

    return caseloop


def test_who_signs_in_is_remembered_until_they_sign_out(run: Run, tmp_path: Path) -> None:
    assert run("sign-in", "olga") == (0, "signed in as olga, operator\n")
    assert stat.S_IMODE((tmp_path / "session").stat().st_mode) == 0o600
    assert run("users", "list")[0] == 0
    assert run("sign-out") == (0, "signed out\n")
    assert not (tmp_path / "session").exists()


def test_a_wrong_password_is_said(run: Run, tmp_path: Path) -> None:
    assert run("sign-in", "olga", "--password", "another one") == (
        1,
        "401: name or password is wrong\n",
    )
    assert not (tmp_path / "session").exists()


def test_a_session_that_is_over_is_said(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    run("sign-in", "olga")
    monkeypatch.setattr(ReviewQueue, "over", True)

    code, said = run("users", "list")

    assert code == 1
    assert said.startswith("your session is over: `caseloop sign-in` again")


def test_a_machine_takes_the_token_for_what_it_does() -> None:
    machine = {"API_TOKENS": TOKENS}

    assert System(machine).token("import") == token_for("import")
    assert System(machine).token("operate") == token_for("operate")
    assert System({**machine, SESSION: TOKEN}).token("import") == TOKEN
    assert System({**machine, SESSION: TOKEN, "API_TOKEN": "own"}).token("import") == "own"
    with pytest.raises(typer.BadParameter, match="no token to submit"):
        System({"API_TOKENS": f"a:observe:{token_for('observe')}"}).token("submit")
