"""Become a service once its engines listen: `python -m deploy.embedded.service NAME`.

Of the stack's environment it gets its own role in PostgreSQL, and no other one's password.
"""

import os
import sys
from collections.abc import Mapping
from urllib.parse import urlsplit

from deploy.embedded.wait import wait_for
from deploy.roles import service_environment


def main() -> None:
    name = sys.argv[1]
    wait_for(needed_addresses(os.environ))
    command = [sys.executable, "-m", f"services.{name}"]
    os.execve(command[0], command, service_environment(os.environ, name))  # noqa: S606


def needed_addresses(environment: Mapping[str, str]) -> list[str]:
    """host:port of what a service cannot start without."""
    database = urlsplit(environment["DATABASE_URL"])
    engines = [environment["S3_ENDPOINT"], *environment["KAFKA_BOOTSTRAP"].split(",")]
    return [*engines, f"{database.hostname}:{database.port or 5432}"]


if __name__ == "__main__":
    main()
