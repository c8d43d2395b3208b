"""Whether each process of a stack works, asked the way its clients would ask."""

import json
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from urllib.error import HTTPError
from urllib.request import urlopen

import urllib3
from kafka.admin import KafkaAdminClient
from kafka.errors import KafkaError
from minio import Minio
from minio.error import MinioException

from deploy.embedded.engines.broker import BUCKET
from deploy.embedded.engines.postgres import BINARIES
from deploy.embedded.settings import Settings
from deploy.embedded.wait import listens

_PATIENCE_SECONDS = 3


@dataclass(frozen=True)
class Health:
    """`reason` says why a process is not healthy; it is empty when it is."""

    healthy: bool
    reason: str = ""


HEALTHY = Health(True)


def probe(name: str, settings: Settings) -> Health:
    """The health of an engine or of a service, within seconds."""
    engines: dict[str, Callable[[Settings], Health]] = {
        "postgres": _postgres,
        "s3": _s3,
        "broker": _broker,
    }
    if name not in engines:
        return _service(name, settings)
    if not listens(settings.address(name)):
        return Health(False, f"nothing listens on {settings.address(name)}")
    return engines[name](settings)


def _postgres(settings: Settings) -> Health:
    host, _, port = settings.address("postgres").partition(":")
    command = [str(BINARIES / "pg_isready"), "-h", host, "-p", port]
    answer = subprocess.run(
        [*command, "-t", str(_PATIENCE_SECONDS)], capture_output=True, text=True, check=False
    )
    return HEALTHY if answer.returncode == 0 else Health(False, answer.stdout.strip())


def _s3(settings: Settings) -> Health:
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
        return Health(False, f"{type(error).__name__}: {error}")
    return HEALTHY


def _broker(settings: Settings) -> Health:
    try:
        client = KafkaAdminClient(
            bootstrap_servers=settings.address("broker"),
            request_timeout_ms=_PATIENCE_SECONDS * 1000,
        )
        client.list_topics()
        client.close()
    except KafkaError as error:
        return Health(False, f"{type(error).__name__}: {error}")
    return HEALTHY


def _service(name: str, settings: Settings) -> Health:
    address = f"http://{settings.address(name)}/health/ready"
    try:
        with urlopen(address, timeout=_PATIENCE_SECONDS):
            return HEALTHY
    except HTTPError as error:
        return Health(False, _reason(error.read()))
    except OSError as error:
        return Health(False, f"no answer from {address}: {error}")


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["reason"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200]
