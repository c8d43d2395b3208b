"""Runs once before the services: topics, buckets and, for LoRA, the base model. Safe to repeat."""

import os

from shared.artifacts import Artifacts
from shared.settings import EngineSettings
from shared.topics import create_topics


def main() -> None:
    settings = EngineSettings()
    created = create_topics(
        settings.kafka_bootstrap, replication=int(os.environ.get("KAFKA_REPLICATION", "1"))
    )
    print(f"{len(created)} topics created")
    Artifacts(settings).create_buckets()
    if os.environ.get("TRAINER_STRATEGY", "lora") != "linear":
        from deploy.command_line.base_models import register

        model = os.environ.get("TRAINER_BASE_MODEL", "SmolLM2-135M-Instruct")
        print(f"base model at {register(model, name=None, settings=os.environ)}")


if __name__ == "__main__":
    main()
