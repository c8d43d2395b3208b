"""Engines that run elsewhere: used instead of embedded ones when the environment names them all."""

from collections.abc import Mapping

from deploy.roles import PASSWORD_VARIABLES

_REQUIRED = ("KAFKA_BOOTSTRAP", "S3_ENDPOINT", "DATABASE_URL")
_FURTHER = {
    "S3_ACCESS_KEY": "",
    "S3_SECRET_KEY": "",
    "S3_SECURE": "false",
    "KAFKA_IDEMPOTENCE": "true",
}


def read_external_engines(environment: Mapping[str, str]) -> dict[str, str]:
    """The engines that the environment names; empty unless it names all of them."""
    if not all(environment.get(name) for name in _REQUIRED):
        return {}
    required = {name: environment[name] for name in _REQUIRED}
    further = {name: environment.get(name, value) for name, value in _FURTHER.items()}
    passwords = {name: environment[name] for name in PASSWORD_VARIABLES & environment.keys()}
    return required | further | passwords
