"""A way to PostgreSQL that can go silent: nothing is refused or closed, no byte arrives any more.

So does a host that is lost without a word look from either side.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit


@dataclass
class SilentProxy:
    """`url` leads to the same database as `target`, through this machine's loopback."""

    target: str
    silent: bool = False
    url: str = ""
    _pipes: set["asyncio.Task[None]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await _connect(self.target)
        for source, sink in ((reader, server_writer), (server_reader, writer)):
            self._pipes.add(asyncio.create_task(self._pipe(source, sink)))

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await source.read(65536):
                if not self.silent:
                    sink.write(data)
                    await sink.drain()
        if not self.silent:
            sink.close()

    async def close(self) -> None:
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)


@asynccontextmanager
async def silent_proxy(target: str) -> AsyncIterator[SilentProxy]:
    proxy = SilentProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    parts = urlsplit(target)
    user = f"{parts.username}:{parts.password}@" if parts.password else f"{parts.username}@"
    proxy.url = parts._replace(netloc=f"{user}127.0.0.1:{port}", query="").geturl()
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()


async def _connect(target: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To a socket in the file system, which the URL names as its host, or to an address."""
    parts = urlsplit(target)
    port = parts.port or 5432
    if folder := parse_qs(parts.query).get("host"):
        return await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.{port}")
    return await asyncio.open_connection(parts.hostname, port)
