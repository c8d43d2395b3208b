"""What has to exist before the services start: topics, buckets, schemas, roles, a base model.
Safe to repeat.

python -m deploy.prepare [--base-model NAME]
"""

import argparse
import asyncio
import os
import sys

from kafka.errors import KafkaError

from deploy.cli.base_models import register
from deploy.database import prepare_database
from deploy.roles import role_passwords
from shared.errors import Rejected, Transient
from shared.messaging.topics import create_topics
from shared.models.base_model import BaseModelUnavailable
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.migrations import AnotherVersion


def prepare(settings: EngineSettings, *, replication: int = 1) -> list[str]:
    """Create the topics and buckets that are missing; the topics that were."""
    created = create_topics(settings.kafka_bootstrap, replication=replication)
    Artifacts(settings).create_buckets()
    return created


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.prepare", description=__doc__)
    parser.add_argument("--base-model", help="a name, path or hub id to register for LoRA")
    parser.add_argument("--no-base-model", dest="base_model", action="store_const", const=None)
    arguments = parser.parse_args()
    try:
        _run(arguments.base_model)
    except (Rejected, Transient, AnotherVersion, KafkaError, BaseModelUnavailable) as error:
        sys.exit(str(error))


def _run(base_model: str | None) -> None:
    settings = EngineSettings()
    passwords = role_passwords(os.environ)
    asyncio.run(prepare_database(settings.database_url.get_secret_value(), passwords))
    roles = "each service has its own role" if passwords else "all services share a role"
    print(f"schemas are up to date, {roles}")
    created = prepare(settings, replication=int(os.environ.get("KAFKA_REPLICATION", "1")))
    print(f"{len(created)} topics created, buckets exist")
    if base_model:
        uri = register(base_model, name=None, settings=os.environ)
        print(f"base model at {uri}")


if __name__ == "__main__":
    main()
