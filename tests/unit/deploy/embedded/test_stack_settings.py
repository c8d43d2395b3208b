"""Which variables of the caller's environment are settings of services."""

import importlib
import re

import pytest

from deploy.embedded.layout import REPOSITORY
from deploy.embedded.stack import is_setting
from shared.services import SERVICES


@pytest.mark.parametrize("service", SERVICES)
def test_every_setting_of_a_service_is_known(service: str) -> None:
    settings = importlib.import_module(f"services.{service}.settings").Settings
    prefix = settings.model_config["env_prefix"]
    own = settings.model_fields.keys() - {"engines", "host", "api_tokens"}
    aliases = {name: settings.model_fields[name].validation_alias for name in own}
    names = {alias or f"{prefix}{name.upper()}" for name, alias in aliases.items()}

    assert {name for name in names if not is_setting(name)} == set()


def test_the_settings_that_the_readme_shows_are_known() -> None:
    table = re.findall(r"^\| `(.+?) \|", (REPOSITORY / "README.md").read_text(), re.M)
    names = re.findall(r"\b[A-Z]+_[A-Z_]+\b", " ".join(table))

    assert len(names) >= 9
    assert all(map(is_setting, names))


def test_addresses_for_clients_and_everything_else_are_no_settings() -> None:
    assert not any(map(is_setting, ("PROMOTER_URL", "PATH", "KAFKA_BOOTSTRAP", "CASELOOP_HOME")))
