"""The service's README names what the code has: every route, table, topic and setting."""

import re
from pathlib import Path

import pytest
from fastapi.routing import iter_route_contexts

from services.review_queue import app
from services.review_queue.settings import Settings
from shared.auth.permissions import HEALTH_ROUTES
from shared.messaging.bus import Bus

README = (Path(app.__file__).parent / "README.md").read_text()
NAMED = set(re.findall(r"`([^`]+)`", README))
# What every service has is told elsewhere.
_FRAME = {"port", "host", "log_level", "log_format", "api_tokens", "engines"}


def words() -> set[str]:
    """What is named, also as the end of something longer: `…/pause`, `POST /v1/users`."""
    return {word.lstrip("…") for name in NAMED for word in name.split()}


def test_every_route_is_named() -> None:
    common = {path for _, path in HEALTH_ROUTES}
    for context in iter_route_contexts(app.create_app(Settings()).routes):
        path = context.path or ""
        if path in common or path == "/static":
            continue
        ends = {path, "/" + path.rsplit("/", 1)[-1]}
        assert ends & words(), path


def test_no_route_is_invented() -> None:
    paths = {c.path or "" for c in iter_route_contexts(app.create_app(Settings()).routes)}
    for word in words():
        if word.startswith("/"):
            assert any(path.endswith(word) for path in paths), word


def test_every_table_is_named() -> None:
    for migration in app.MIGRATIONS.glob("*.sql"):
        for table in re.findall(r"CREATE TABLE review_queue\.(\w+)", migration.read_text()):
            assert table in NAMED, table


@pytest.mark.parametrize("name", sorted(set(Settings.model_fields) - _FRAME))
def test_every_setting_is_named_with_its_default(name: str) -> None:
    default = Settings.model_fields[name].default
    named = f"`_{name.upper()}`"
    assert named in README
    if isinstance(default, bool):
        assert f"{named} ({str(default).lower()}" in README
    elif isinstance(default, int | float):
        assert f"{named} ({default:g})" in README


def test_every_topic_that_is_consumed_is_named() -> None:
    bus: Bus = app.create_app(Settings()).state.bus

    assert len(bus.topics) == 4
    assert set(bus.topics) <= NAMED
