"""A way to object storage that can refuse: whatever is asked is answered with an error of S3."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

_ANSWER = (
    "HTTP/1.1 {status} {code}\r\nContent-Type: {kind}\r\n"
    "Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
)
_BODY = (
    '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>no</Message>'
    "<Resource>/</Resource><RequestId>1</RequestId><HostId>1</HostId></Error>"
)
FORBIDDEN = (403, "AccessDenied", "application/xml")
EXPIRED = (400, "ExpiredToken", "application/xml")
BUSY = (503, "SlowDown", "application/xml")
BY_A_FIREWALL = (403, "Forbidden", "text/html")


@dataclass
class RefusingProxy:
    """`address` leads to the same storage as `target`. `refusal`: status, code, content type."""

    target: str
    refusal: tuple[int, str, str] | None = None
    address: str = ""
    _pipes: set["asyncio.Task[None]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.target.rpartition(":")
        answers, requests = await asyncio.open_connection(host, int(port))
        self._pipes |= {
            asyncio.create_task(self._ask(reader, requests, writer)),
            asyncio.create_task(_copy(answers, writer)),
        }

    async def _ask(
        self,
        reader: asyncio.StreamReader,
        requests: asyncio.StreamWriter,
        writer: asyncio.StreamWriter,
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                if self.refusal is not None:
                    writer.write(_answer(*self.refusal))
                    await writer.drain()
                    writer.close()
                    break
                requests.write(data)
                await requests.drain()
        requests.close()

    async def close(self) -> None:
        for pipe in self._pipes:
            pipe.cancel()
        await asyncio.gather(*self._pipes, return_exceptions=True)


async def _copy(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    sink.close()


def _answer(status: int, code: str, kind: str) -> bytes:
    body = _BODY.format(code=code) if kind == "application/xml" else "<h1>Forbidden</h1>"
    return _ANSWER.format(status=status, code=code, kind=kind, length=len(body), body=body).encode()


@asynccontextmanager
async def refusing_proxy(target: str) -> AsyncIterator[RefusingProxy]:
    proxy = RefusingProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()
        await proxy.close()
