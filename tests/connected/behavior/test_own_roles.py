"""In PostgreSQL, every service does all of its work as its own role."""

import asyncpg
import pytest

from deploy.embedded.stack import EmbeddedStack
from deploy.roles import role_name
from shared.services import SERVICES
from tests.support.engines.lifecycle import Engines

pytestmark = pytest.mark.slow

_CONNECTED = """
SELECT DISTINCT application_name, usename FROM pg_stat_activity
WHERE application_name LIKE 'caseloop %'
"""


async def test_every_service_works_as_its_own_role(own: Engines, stack: EmbeddedStack) -> None:
    connection = await asyncpg.connect(own.environment["DATABASE_URL"])
    rows = await connection.fetch(_CONNECTED)
    await connection.close()

    assert sorted(map(tuple, rows)) == sorted(
        (f"caseloop {name}", role_name("caseloop", name)) for name in SERVICES
    )
