"""The one list of services has every service, and each listens where the list says."""

import importlib
from pathlib import Path

import pytest

import services
from shared.services import PORTS, SERVICES


def test_every_service_is_listed_and_none_is_invented() -> None:
    folder = Path(services.__file__).parent

    assert {path.parent.name for path in folder.glob("*/app.py")} == set(SERVICES)
    assert len(set(PORTS.values())) == len(PORTS)


@pytest.mark.parametrize(("service", "port"), PORTS.items())
def test_a_service_listens_on_its_port(service: str, port: int) -> None:
    settings = importlib.import_module(f"services.{service}.settings").Settings

    assert settings.model_fields["port"].default == port
