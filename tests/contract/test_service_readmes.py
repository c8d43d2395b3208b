"""What a service's README says that it answers, it answers."""

import importlib
import re
from pathlib import Path

import httpx
import pytest

READMES = sorted((Path(__file__).parents[2] / "services").glob("*/README.md"))


def answers(readme: str) -> list[str]:
    """The paths in the table's row `answers`, with something in the place of parameters."""
    row = re.search(r"^\| answers \|(.*)$", readme, re.M)
    found = re.findall(r"`(?:GET |POST )?(/[^`?]*)", row[1]) if row else []
    return [re.sub(r"{\w+}", "x", path) for path in found]


@pytest.mark.parametrize("readme", READMES, ids=lambda path: path.parent.name)
async def test_every_path_of_the_readme_is_answered(readme: Path) -> None:
    """A caller without a token is refused, but not told that nothing is there."""
    package = f"services.{readme.parent.name}"
    settings = importlib.import_module(f"{package}.settings").Settings()
    app = importlib.import_module(f"{package}.app").create_app(settings)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        codes = {path: (await client.get(path)).status_code for path in answers(readme.read_text())}

    assert [path for path, code in codes.items() if code == httpx.codes.NOT_FOUND] == []


def test_the_paths_of_the_tables_are_found() -> None:
    assert sum(bool(answers(readme.read_text())) for readme in READMES) >= 6
