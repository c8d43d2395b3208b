"""Which variables of the caller's environment are settings of services."""

import importlib
import re

import pytest

from deploy.embedded.layout import REPOSITORY
from deploy.embedded.stack import is_setting
from shared.services import SERVICES
from shared.settings import DrawingSettings, EngineSettings


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_of_a_service_is_known(service: str) -> None:
    settings = importlib.import_module(f"services.{service}.settings").Settings
    prefix = settings.model_config["env_prefix"]
    own = settings.model_fields.keys() - {
        "engines", "host", "api_tokens", "review_queue_url", "draw_key",
    }  # fmt: skip
    aliases = {name: settings.model_fields[name].validation_alias for name in own}
    names = {alias or f"{prefix}{name.upper()}" for name, alias in aliases.items()}

    assert {name for name in names if not is_setting(name)} == set()


def settings_of(section: str) -> list[str]:
    """The settings that a section of `docs/settings.md` has a row for."""
    text = (REPOSITORY / "docs" / "settings.md").read_text().split(f"## {section}\n")[1]
    rows = re.findall(r"^\| (`.+?`) \|", text.split("\n## ")[0], re.M)
    return re.findall(r"[A-Z]\w+", " ".join(rows))


def test_the_settings_that_are_documented_as_changed_most_are_known() -> None:
    names = settings_of("Those that are changed most")

    assert len(names) >= 9
    assert all(map(is_setting, names))


def test_the_settings_of_every_service_are_documented() -> None:
    shared = DrawingSettings.model_fields
    aliases = {field.validation_alias for field in shared.values() if field.validation_alias}
    engines = {name.upper() for name in EngineSettings.model_fields}

    assert set(settings_of("Those of every service")) == aliases | engines


def test_addresses_for_clients_and_everything_else_are_no_settings() -> None:
    assert not any(map(is_setting, ("PROMOTER_URL", "PATH", "KAFKA_BOOTSTRAP", "CASELOOP_HOME")))
