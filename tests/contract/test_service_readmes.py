"""What a service's README says is what the service has: routes, topics, tables and settings."""

import importlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from shared.messaging.topics import TOPICS
from shared.services import SERVICES
from tests.support.documents import ROOT, code_words

# Every service has these, and `docs/settings.md` and `docs/architecture.md` tell of them.
_COMMON_ROUTES = {"/health/live", "/health/ready", "/metrics", "/openapi.json", "/asyncapi.json"}
_COMMON_SETTINGS = {
    "SERVICE_HOST", "LOG_LEVEL", "LOG_FORMAT", "API_TOKENS", "REVIEW_QUEUE_URL", "DRAW_KEY",
    "engines",
}  # fmt: skip
_METHODS = {"GET", "POST", "PUT", "PATCH", "DELETE"}


@dataclass(frozen=True)
class Documented:
    """A service and its README."""

    name: str

    @property
    def readme(self) -> str:
        return (ROOT / "services" / self.name / "README.md").read_text()

    @property
    def words(self) -> frozenset[str]:
        """What stands in backticks, methods taken off: `POST /v1/runs` is `/v1/runs`."""
        return frozenset(word for code in code_words(self.readme) for word in code.split())

    def settings(self) -> Any:
        return importlib.import_module(f"services.{self.name}.settings").Settings

    def app(self) -> FastAPI:
        module = importlib.import_module(f"services.{self.name}.app")
        app: FastAPI = module.create_app(self.settings()())
        return app

    def paths(self) -> frozenset[str]:
        """The paths that the service answers, without those that all services have."""
        answered = {context.path or "" for context in iter_route_contexts(self.app().routes)}
        return frozenset(answered - _COMMON_ROUTES - {"/static"})


documented = pytest.mark.parametrize(
    "service", [Documented(name) for name in SERVICES], ids=SERVICES
)


@documented
def test_every_route_is_named_and_none_is_invented(service: Documented) -> None:
    named = {word for word in service.words if word.startswith("/")}

    assert named - _COMMON_ROUTES == service.paths()


@documented
def test_a_method_that_is_named_is_answered(service: Documented) -> None:
    answered = {
        (method, context.path)
        for context in iter_route_contexts(service.app().routes)
        for method in getattr(context.original_route, "methods", None) or ()
    }
    for code in code_words(service.readme):
        method, _, path = code.partition(" ")
        if method in _METHODS and path:
            assert (method, path) in answered, code


@documented
def test_every_topic_is_named(service: Documented) -> None:
    of_service = {
        topic.name
        for topic in TOPICS
        if service.name in (*topic.producers, *topic.consumers, *topic.readers)
    }
    named = {word for word in service.words if re.fullmatch(r"[a-z]+\.[a-z]+\.v\d", word)}

    assert named == of_service


@documented
def test_every_table_is_named(service: Documented) -> None:
    migrations = (ROOT / "services" / service.name / "migrations").glob("*.sql")
    tables = re.findall(
        rf"CREATE TABLE {service.name}\.(\w+)", "".join(file.read_text() for file in migrations)
    )

    assert set(tables) <= service.words


def defaults(service: Documented) -> Iterator[tuple[str, object]]:
    """The settings as the environment names them, with their defaults."""
    settings = service.settings()
    prefix = settings.model_config["env_prefix"]
    for name, field in settings.model_fields.items():
        variable = field.validation_alias or f"{prefix}{name.upper()}"
        if name not in _COMMON_SETTINGS and variable not in _COMMON_SETTINGS:
            yield variable, field.default


@documented
def test_every_setting_is_named_with_its_default_and_none_is_invented(service: Documented) -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", service.readme, re.M))
    known = dict(defaults(service))

    assert rows.keys() == known.keys()
    for name, default in known.items():
        if (shown := _shown(default)) is not None:
            assert rows[name].strip("`") in (shown, "see below"), name


def _shown(default: object) -> str | None:
    """A default as a README writes it; none if it is put in words."""
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, float):
        return f"{default:g}"
    if isinstance(default, int | str):
        return str(default) or "none"
    return None


def documents() -> Sequence[Path]:
    folders = ("", "docs", "services/*", "deploy/*")
    return sorted(path for folder in folders for path in ROOT.glob(f"{folder}/*.md".lstrip("/")))


@pytest.mark.parametrize("path", documents(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_cell_of_a_table_is_short(path: Path) -> None:
    rows = [line for line in path.read_text().splitlines() if line.startswith("|")]
    cells = [cell.strip() for row in rows for cell in row.split("|")]

    assert [cell for cell in cells if len(cell) > 160] == []


def test_documents_are_found() -> None:
    assert len(documents()) >= 10
