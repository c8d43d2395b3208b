"""The env file: secrets once, addresses by the ports, nothing of another project."""

import stat
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.embedded.layout import Layout
from deploy.embedded.settings import Settings, read_env, recorded_base
from deploy.roles import PASSWORD_VARIABLES
from shared.auth.tokens import parse_tokens


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "home")
    layout.create()
    return layout


def make(layout: Layout, *, base: int = 8100, **given: str) -> Settings:
    settings = Settings.make(layout, base_port=base, overrides=given, ambient={})
    settings.save()
    return settings


def test_every_promised_name_is_there(layout: Layout) -> None:
    environment = make(layout).environment
    assert environment["KAFKA_BOOTSTRAP"] == "127.0.0.1:8110"
    assert environment["KAFKA_IDEMPOTENCE"] == "false"
    assert environment["S3_ENDPOINT"] == "127.0.0.1:8111"
    assert environment["S3_SECURE"] == "false"
    assert environment["REVIEW_QUEUE_PORT"] == "8103"
    database = urlsplit(environment["DATABASE_URL"])
    assert (database.port, database.password) == (8112, environment["DATABASE_PASSWORD"])
    assert environment["REVIEW_QUEUE_URL"] == "http://127.0.0.1:8103"


def test_no_token_of_a_new_system_does_two_things(layout: Layout) -> None:
    tokens = parse_tokens(make(layout).environment["API_TOKENS"])

    assert sorted(token.scopes for token in tokens) == [
        ("import",),
        ("observe",),
        ("operate",),
        ("submit",),
    ]


def test_secrets_stay_and_addresses_follow_the_ports(layout: Layout) -> None:
    first = make(layout, base=8100).environment
    second = make(layout, base=9100).environment
    for name in ("API_TOKENS", "S3_ACCESS_KEY", "S3_SECRET_KEY", "DATABASE_PASSWORD"):
        assert second[name] == first[name]
    assert second["KAFKA_BOOTSTRAP"] == "127.0.0.1:9110"
    assert recorded_base(layout) == 9100


def test_each_service_has_a_password_of_postgresql_that_stays(layout: Layout) -> None:
    first, second = make(layout).environment, make(layout, base=9100).environment

    passwords = {first[name] for name in PASSWORD_VARIABLES}
    assert len(passwords) == 7
    assert min(map(len, passwords)) >= 32
    assert {second[name] for name in PASSWORD_VARIABLES} == passwords
    assert first["DATABASE_PASSWORD"] not in passwords


def test_on_the_server_of_somebody_else_only_their_passwords_count(layout: Layout) -> None:
    elsewhere = "postgresql://db.example/caseloop"
    make(layout)

    assert not PASSWORD_VARIABLES & make(layout, DATABASE_URL=elsewhere).environment.keys()
    known = make(layout, DATABASE_URL=elsewhere, DATABASE_PASSWORD_TRAINER="theirs").environment
    assert PASSWORD_VARIABLES & known.keys() == {"DATABASE_PASSWORD_TRAINER"}
    assert known["DATABASE_PASSWORD_TRAINER"] == "theirs"


def test_two_homes_have_different_secrets(tmp_path: Path) -> None:
    layouts = [Layout(tmp_path / name) for name in ("a", "b")]
    for layout in layouts:
        layout.create()
    first, second = (make(layout).environment for layout in layouts)
    assert first["S3_SECRET_KEY"] != second["S3_SECRET_KEY"]
    assert first["API_TOKENS"] != second["API_TOKENS"]


def test_given_settings_are_kept_for_the_next_start(layout: Layout) -> None:
    make(layout, LABEL_THRESHOLD="50")
    assert make(layout).environment["LABEL_THRESHOLD"] == "50"
    assert make(layout, LABEL_THRESHOLD="60").environment["LABEL_THRESHOLD"] == "60"


def test_callers_environment_changes_further_settings_only(layout: Layout) -> None:
    make(layout, LABEL_THRESHOLD="50")
    ambient = {"LABEL_THRESHOLD": "70", "DATABASE_URL": "postgresql://elsewhere/db", "HOME": "/x"}
    settings = Settings.make(layout, base_port=8100, overrides={}, ambient=ambient)
    assert settings.environment["LABEL_THRESHOLD"] == "70"
    assert "elsewhere" not in settings.environment["DATABASE_URL"]
    assert "HOME" not in settings.environment


def test_file_is_for_the_owner_and_survives_odd_values(layout: Layout) -> None:
    make(layout, RELEASE_SCHEDULE="0 3 * * 1", ODD="it's $HOME")
    assert stat.S_IMODE(layout.env_file.stat().st_mode) == 0o600
    assert read_env(layout)["RELEASE_SCHEDULE"] == "0 3 * * 1"
    assert read_env(layout)["ODD"] == "it's $HOME"
    sourced = f'. {layout.env_file} && printf %s "$ODD"'
    shell = subprocess.run(["sh", "-c", sourced], capture_output=True, text=True, check=True)
    assert shell.stdout == "it's $HOME"


def test_loading_without_a_start_says_how_to_start(layout: Layout) -> None:
    with pytest.raises(FileNotFoundError, match="make up"):
        Settings.load(layout)
