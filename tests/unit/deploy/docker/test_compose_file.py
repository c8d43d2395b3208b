"""What docker compose is told, and that its README names what it cannot do without."""

import importlib
import re
from pathlib import Path

import pytest
import yaml

from deploy.embedded.layout import REPOSITORY
from deploy.roles import PASSWORD_VARIABLES, password_variable, service_url
from shared.services import PORTS
from shared.settings import EngineSettings, ServiceSettings

COMPOSE = (REPOSITORY / "docker-compose.yml").read_text()
DOCKER = Path("deploy") / "docker"
_ENGINES = {"kafka", "minio", "postgres"}
_WITH_STORAGE = {"inference", "dataset_accumulator", "trainer", "evaluator", "promoter"}


def test_the_readme_names_every_variable_that_must_be_set() -> None:
    table = (REPOSITORY / DOCKER / "README.md").read_text()
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))

    assert required - PASSWORD_VARIABLES == {
        "POSTGRES_PASSWORD", "S3_SECRET_KEY", "API_TOKENS", "DRAW_KEY",
    }  # fmt: skip
    assert required >= PASSWORD_VARIABLES
    assert all(f"`{name}`" in table for name in required)


def test_the_image_can_be_told_a_package_index() -> None:
    service = yaml.safe_load(COMPOSE)["services"]["inference"]
    stage = (REPOSITORY / DOCKER / "Dockerfile").read_text().split("FROM ")[1]
    declared = stage.index("ARG PIP_EXTRA_INDEX_URL")

    assert service["build"]["args"]["PIP_EXTRA_INDEX_URL"] is None  # of the caller's environment
    assert declared < stage.index("pip install")


def test_every_service_is_run_and_no_other() -> None:
    around = {"kafka", "minio", "postgres", "prepare"}

    assert set(yaml.safe_load(COMPOSE)["services"]) == around | PORTS.keys()


@pytest.mark.parametrize(("service", "port"), PORTS.items())
def test_a_service_listens_is_published_and_is_probed_on_its_port(service: str, port: int) -> None:
    """Inside it always listens on its own port; what `.env` names is the published one."""
    variable = f"{service.upper()}_PORT"
    container = yaml.safe_load(COMPOSE)["services"][service]

    assert container["command"] == f"python -m services.{service}"
    assert container["environment"][variable] == port
    assert container["ports"] == [f"127.0.0.1:${{{variable}:-{port}}}:{port}"]
    assert container["healthcheck"]["test"][-1] == str(port)


@pytest.mark.parametrize("service", PORTS)
def test_a_service_gets_its_own_settings_and_secrets_and_no_others(service: str) -> None:
    module = importlib.import_module(f"services.{service}.settings")
    settings: type[ServiceSettings] = module.Settings
    prefix = settings.model_config["env_prefix"]
    own = {
        str(field.validation_alias or f"{prefix}{name}").upper()
        for name, field in settings.model_fields.items()
        if name != "engines"
    }
    engines = {name.upper() for name in EngineSettings.model_fields}
    storage = {name for name in engines if name.startswith("S3_")}
    given = set(yaml.safe_load(COMPOSE)["services"][service]["environment"])

    assert own - given == {"SERVICE_HOST"}  # which the image says
    assert given - own - engines <= {"FORWARDED_ALLOW_IPS", "TMPDIR"}
    assert bool(given & storage) == (service in _WITH_STORAGE)
    assert "env_file" not in yaml.safe_load(COMPOSE)["services"][service]


@pytest.mark.parametrize("service", PORTS)
def test_a_service_has_its_own_role_in_postgresql_and_the_preparer_knows_it(service: str) -> None:
    """What `deploy.prepare` makes of the passwords is what the service is told to use."""
    containers = yaml.safe_load(_filled(COMPOSE))["services"]
    owner, password = containers["prepare"]["environment"], password_variable(service)

    assert owner[password] == f"the-{password}"
    assert containers[service]["environment"]["DATABASE_URL"] == service_url(
        owner["DATABASE_URL"], service, owner[password]
    )


def _filled(text: str) -> str:
    """With `the-NAME` for each variable that must be set."""
    return re.sub(r"\$\{(\w+):\?[^}]*\}", r"the-\1", text)


def test_no_container_has_more_than_it_needs() -> None:
    for name, container in yaml.safe_load(COMPOSE)["services"].items():
        assert container["cap_drop"] == ["ALL"], name
        assert container["security_opt"] == ["no-new-privileges:true"], name
        assert container["mem_limit"], name
        assert container["pids_limit"], name
        if name not in _ENGINES:
            assert container["read_only"], name
            assert "cap_add" not in container, name


def test_the_readme_names_the_ports() -> None:
    text = (REPOSITORY / DOCKER / "README.md").read_text()

    assert f"the services on {min(PORTS.values())} to {max(PORTS.values())}" in " ".join(
        text.split()
    )
