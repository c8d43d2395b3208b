"""A process that does nothing but relay: `python -m tests.support.engines.relay_process SCHEMA`.

It prints a line once it leads.
"""

import asyncio
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from shared.health import Health
from shared.messaging.bus import Bus
from shared.messaging.outbox import Outbox
from shared.messaging.relay import Relay
from shared.settings import EngineSettings
from shared.storage.database import Database


async def main(schema: str) -> None:
    settings, health = EngineSettings(), Health()
    bus = Bus(settings, service=schema, health=health)
    with TemporaryDirectory() as nothing:
        database = Database(settings, schema=schema, migrations=Path(nothing))
        outbox = Outbox(database, service=schema)
        await database.open()
        await outbox.create()
        await bus.start()
        relay = Relay(outbox, bus, health)
        relaying = asyncio.create_task(relay.run())
        while relay.leadership.token is None:
            await asyncio.sleep(0.05)
        print("leads", flush=True)
        await relaying


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
