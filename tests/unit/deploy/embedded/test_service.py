"""A service of the stack waits for each of its engines."""

from pathlib import Path

from deploy.embedded.layout import Layout
from deploy.embedded.service import needed_addresses
from deploy.embedded.settings import Settings


def test_services_wait_for_every_engine(tmp_path: Path) -> None:
    settings = Settings.make(
        Layout(tmp_path),
        base_port=8100,
        overrides={"KAFKA_BOOTSTRAP": "a:1,b:2", "DATABASE_URL": "postgresql://u:p@d/x"},
        ambient={},
    )

    assert set(needed_addresses(settings.environment)) == {
        "a:1", "b:2", "127.0.0.1:8111", "d:5432",
    }  # fmt: skip
