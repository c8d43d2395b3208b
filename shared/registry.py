"""Model versions and base models in object storage: a directory of files under one manifest.

A version is immutable. Whatever is loaded was downloaded whole and every file's hash was right.
"""

import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import Field

from shared.artifacts import MODELS, Artifacts, CorruptArtifact
from shared.events import ArtifactRef, TrainedModel
from shared.events.base import Frozen

MANIFEST = "manifest.json"


class ModelManifest(Frozen):
    """What a model directory consists of and where it came from."""

    name: str  # the version, or the base model's name
    created_at: datetime
    files: dict[str, ArtifactRef]
    about: dict[str, Any] = Field(default_factory=dict)


def model_uri(task: str, version: str) -> str:
    return f"s3://{MODELS}/{task}/{version}"


def base_uri(name: str) -> str:
    return f"s3://{MODELS}/base/{name}"


def store(
    artifacts: Artifacts,
    directory: Path,
    uri: str,
    *,
    created_at: datetime,
    about: dict[str, Any],
) -> ArtifactRef:
    """Upload the files, then the manifest that makes them a model, and return its reference."""
    files = {
        path.relative_to(directory).as_posix(): artifacts.put_file(
            f"{uri}/{path.relative_to(directory).as_posix()}", path
        )
        for path in sorted(directory.rglob("*"))
        if path.is_file() and path.name != MANIFEST
    }
    manifest = ModelManifest(
        name=uri.rpartition("/")[2], created_at=created_at, files=files, about=about
    )
    return artifacts.put(f"{uri}/{MANIFEST}", manifest.model_dump_json(indent=2).encode())


class ModelCache:
    """Models on this machine's disk, fetched once and checked file by file."""

    def __init__(self, artifacts: Artifacts, directory: Path) -> None:
        self.artifacts = artifacts
        self.directory = directory

    def adapter(self, model: TrainedModel) -> Path:
        """The directory of a version; `CorruptArtifact` if a file is missing or not the one
        that was published."""
        manifest = ModelManifest.model_validate_json(self.artifacts.get(model.manifest))
        return self._fetch(manifest, model.manifest.sha256)

    def base(self, name: str) -> Path:
        """The directory of a registered base model."""
        uri = f"{base_uri(name)}/{MANIFEST}"
        try:
            content = self.artifacts.read(uri)
        except CorruptArtifact as error:
            raise CorruptArtifact(
                f"base model {name} is not registered; "
                f"run `caseloop register-base {name}` (no {uri})"
            ) from error
        manifest = ModelManifest.model_validate_json(content)
        return self._fetch(manifest, f"base-{name}")

    def _fetch(self, manifest: ModelManifest, key: str) -> Path:
        """Download beside and move in place, so that a directory that exists is complete."""
        target = self.directory / key
        if target.exists():
            return target
        part = target.with_name(f"{key}.part")
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        for name, ref in manifest.files.items():
            self.artifacts.get_file(ref, _inside(part, name))
        part.replace(target)
        return target


def _inside(directory: Path, name: str) -> Path:
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise CorruptArtifact(f"the manifest names a file outside of the model: {name}")
    return path
