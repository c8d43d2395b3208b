"""Whether each process of a stack works, asked the way its clients would ask."""

import json
import socket
import struct
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import urlopen

import urllib3
from minio import Minio
from minio.error import MinioException

from deploy.embedded.engines.broker import BUCKET
from deploy.embedded.engines.postgres import BINARIES
from deploy.embedded.settings import Settings
from deploy.embedded.wait import listens

_PATIENCE_SECONDS = 3
_METADATA = 3  # Kafka's number of the request
_NO_TOPICS = struct.pack(">i", 0)


@dataclass(frozen=True)
class ProcessHealth:
    """`reason` says why a process is not healthy; it is empty when it is."""

    healthy: bool
    reason: str = ""


HEALTHY = ProcessHealth(True)


def probe(name: str, settings: Settings) -> ProcessHealth:
    """The health of an engine or of a service, within seconds."""
    engines: dict[str, Callable[[Settings], ProcessHealth]] = {
        "postgres": _postgres,
        "s3": _s3,
        "broker": _broker,
    }
    if name not in engines:
        return _service(name, settings)
    if not listens(settings.address(name)):
        return ProcessHealth(False, f"nothing listens on {settings.address(name)}")
    return engines[name](settings)


def _postgres(settings: Settings) -> ProcessHealth:
    host, _, port = settings.address("postgres").partition(":")
    command = [str(BINARIES / "pg_isready"), "-h", host, "-p", port]
    answer = subprocess.run(
        [*command, "-t", str(_PATIENCE_SECONDS)], capture_output=True, text=True, check=False
    )
    return HEALTHY if answer.returncode == 0 else ProcessHealth(False, answer.stdout.strip())


def _s3(settings: Settings) -> ProcessHealth:
    client = Minio(
        settings.address("s3"),
        access_key=settings.environment["S3_ACCESS_KEY"],
        secret_key=settings.environment["S3_SECRET_KEY"],
        secure=False,
        http_client=urllib3.PoolManager(timeout=_PATIENCE_SECONDS, retries=False),
    )
    try:
        client.bucket_exists(BUCKET)
    except (MinioException, urllib3.exceptions.HTTPError) as error:
        return ProcessHealth(False, f"{type(error).__name__}: {error}")
    return HEALTHY


def _broker(settings: Settings) -> ProcessHealth:
    """Ask for the cluster's metadata, which the broker reads from S3.

    Written out because a client's own bootstrap cannot be given less than 30 s.
    """
    client_id = b"caseloop-health"
    request = struct.pack(">hhih", _METADATA, 1, 1, len(client_id)) + client_id + _NO_TOPICS
    try:
        with socket.create_connection(_host_port(settings), timeout=_PATIENCE_SECONDS) as channel:
            channel.sendall(struct.pack(">i", len(request)) + request)
            answered = len(channel.recv(8)) > 0
    except OSError as error:
        return ProcessHealth(False, f"no answer to a metadata request: {error}")
    return HEALTHY if answered else ProcessHealth(False, "it closed the connection: is S3 away?")


def _host_port(settings: Settings) -> tuple[str, int]:
    host, _, port = settings.address("broker").partition(":")
    return host, int(port)


def _service(name: str, settings: Settings) -> ProcessHealth:
    address = f"http://{settings.address(name)}/health/ready"
    try:
        with urlopen(address, timeout=_PATIENCE_SECONDS):
            return HEALTHY
    except HTTPError as error:
        return ProcessHealth(False, _reason(error.read()))
    except OSError as error:
        return ProcessHealth(False, f"no answer from {address}: {error}")


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["reason"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
