"""Base models into S3, once: everything that trains or scores starts from there."""

import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from shared.models.base_model import materialize
from shared.settings import engine_settings
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import MANIFEST, base_uri, store_model


def register(model: str, *, name: str | None, settings: Mapping[str, str]) -> str:
    """Store a base model and return its URI. A name that is taken stays as it is."""
    registered = name or Path(model).name
    uri = base_uri(registered)
    artifacts = Artifacts(engine_settings(settings))
    artifacts.create_buckets()
    if artifacts.exists(f"{uri}/{MANIFEST}"):
        return uri
    with tempfile.TemporaryDirectory() as directory:
        target = Path(directory) / registered
        materialize(model, target)
        store_model(artifacts, target, uri, created_at=datetime.now(UTC), about={"source": model})
    return uri
