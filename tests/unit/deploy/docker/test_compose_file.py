"""What docker compose is told, and that its README names what it cannot do without."""

import re
from pathlib import Path

import yaml

from deploy.embedded.layout import REPOSITORY

COMPOSE = (REPOSITORY / "docker-compose.yml").read_text()
DOCKER = Path("deploy") / "docker"


def test_the_readme_names_every_variable_that_must_be_set() -> None:
    table = (REPOSITORY / DOCKER / "README.md").read_text()
    required = set(re.findall(r"\$\{(\w+):\?", COMPOSE))

    assert len(required) == 3
    assert all(f"`{name}`" in table for name in required)


def test_the_image_can_be_told_a_package_index() -> None:
    service = yaml.safe_load(COMPOSE)["services"]["inference"]
    stage = (REPOSITORY / DOCKER / "Dockerfile").read_text().split("FROM ")[1]
    declared = stage.index("ARG PIP_EXTRA_INDEX_URL")

    assert service["build"]["args"]["PIP_EXTRA_INDEX_URL"] is None  # of the caller's environment
    assert declared < stage.index("pip install")
