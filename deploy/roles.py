"""Each service's own role in PostgreSQL: its name, its password's variable, its address.

The role of `DATABASE_URL` owns the schemas and migrates them. A service whose role has a password
works as that role; an environment with no such password has one role for everything.
"""

from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from shared.errors import Rejected
from shared.services import SERVICES

_PASSWORD = "DATABASE_PASSWORD"  # noqa: S105 - the name of a variable; of the embedded owner


def role_name(database: str, service: str) -> str:
    """Roles belong to the whole server: those of two databases must not be the same."""
    return f"{database}_{service}"


def password_variable(service: str) -> str:
    return f"{_PASSWORD}_{service.upper()}"


PASSWORD_VARIABLES = frozenset(map(password_variable, SERVICES))


def role_passwords(environment: Mapping[str, str]) -> dict[str, str]:
    """The password of each service's role, or none at all; `Rejected` if only some are there."""
    known = {name: environment.get(password_variable(name), "") for name in SERVICES}
    missing = [password_variable(name) for name, password in known.items() if not password]
    if len(missing) == len(SERVICES):
        return {}
    if missing:
        raise Rejected(f"set {', '.join(missing)} too: each service has its own role, or none has")
    return known


def service_url(url: str, service: str, password: str) -> str:
    """The database of `url`, as the service's own role."""
    parts = urlsplit(url)
    role = quote(role_name(parts.path.strip("/"), service), safe="")
    address = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{role}:{quote(password, safe='')}@{address}").geturl()


def service_environment(environment: Mapping[str, str], service: str) -> dict[str, str]:
    """What a service is told: of the database its own role's address, and no other password."""
    told = {name: value for name, value in environment.items() if not name.startswith(_PASSWORD)}
    if password := environment.get(password_variable(service)):
        told["DATABASE_URL"] = service_url(environment["DATABASE_URL"], service, password)
    return told
