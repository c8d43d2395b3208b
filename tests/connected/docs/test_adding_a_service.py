"""The service of `docs/adding-a-service.md`, made of the page's own code, does what it says."""

import asyncio
import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

import services
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer
from shared.services import PORTS
from shared.settings import EngineSettings, engine_settings
from tests.support.builders.events import decision
from tests.support.documents import ROOT
from tests.support.patience import PATIENCE_SECONDS, until

PAGE = (ROOT / "docs" / "adding-a-service.md").read_text()
ROWS = "SELECT case_id, label FROM ledger.entries WHERE case_id LIKE 'ledger-%'"


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The page's files, as the package `services.ledger`."""
    monkeypatch.setitem(PORTS, "ledger", 8108)
    folder = tmp_path / "ledger"
    blocks = re.findall(r"^`([\w./]+)`: .*?^```\w+\n(.*?)^```$", PAGE, re.M | re.S)
    assert len(blocks) == 6
    for name, code in blocks:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(code)
    (folder / "__init__.py").touch()
    monkeypatch.setattr(services, "__path__", [*services.__path__, str(tmp_path)])
    importlib.import_module("services.ledger.__main__")  # is there, and runs nothing when imported
    yield importlib.import_module("services.ledger.app")
    for name in [name for name in sys.modules if name.startswith("services.ledger")]:
        del sys.modules[name]


async def test_it_is_healthy_and_writes_down_each_decision_once(
    ledger: Any, settings: EngineSettings, engines: dict[str, str], database: str
) -> None:
    own = engine_settings({**engines, "DATABASE_URL": database})
    app = ledger.create_app(ledger.Settings(engines=own))
    producer = Producer(own, client_id="test")
    first, second = decision("ledger-1"), decision("ledger-2")
    await producer.start()
    async with app.router.lifespan_context(app):
        await producer.send([encode(event, source="test") for event in (first, first, second)])
        connection = await asyncpg.connect(database)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(rows := await connection.fetch(ROWS)) < 2:
                await asyncio.sleep(0.1)
        await connection.close()
        transport = httpx.ASGITransport(app=app)
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
            await until(lambda: _is_ready(client))  # its partitions may be moved just now
    await producer.stop()

    assert sorted(map(tuple, rows)) == [("ledger-1", "APPROVED"), ("ledger-2", "APPROVED")]


async def _is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == httpx.codes.OK
