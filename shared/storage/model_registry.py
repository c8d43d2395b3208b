"""Model versions and base models in object storage: a directory of files under one manifest.

A version is immutable. Whatever is loaded was downloaded whole and every file's hash was right.
"""

import hashlib
import re
from datetime import datetime
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from pydantic import Field

from shared.errors import Transient
from shared.events import ArtifactRef, TrainedModel
from shared.events.base import Frozen
from shared.storage.artifacts import MODELS, Artifacts, CorruptArtifact, MissingArtifact

MANIFEST = "manifest.json"
_SHORT_HASH = "?" * 16  # in the names of base models' directories


class ModelManifest(Frozen):
    """What a model directory consists of and where it came from."""

    name: str  # of the directory
    created_at: datetime
    files: dict[str, ArtifactRef]
    about: dict[str, Any] = Field(default_factory=dict)


def model_uri(task: str, version: str) -> str:
    """A place for one upload of a version.

    Each has its own: a trainer that lost its lease may still be writing when another has published.
    """
    return f"s3://{MODELS}/{task}/{version}-{uuid4().hex[:8]}"


def is_place_of(model: TrainedModel) -> bool:
    """Whether the model's manifest lies where one of its version does, and of no other."""
    place = re.escape(f"s3://{MODELS}/{model.task}/{model.version}-")
    return re.fullmatch(rf"{place}[0-9a-f]{{8}}/{MANIFEST}", model.manifest.uri) is not None


def refuse_unstored(artifacts: Artifacts, model: TrainedModel) -> None:
    """`Rejected` unless object storage holds the manifest of the model."""
    artifacts.get_told(model.manifest, in_place=is_place_of(model), field="model.manifest")


def base_uri(name: str) -> str:
    return f"s3://{MODELS}/base/{name}"


def store_model(
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
        cached = self.directory / model.manifest.sha256
        if cached.exists():  # was checked against this very hash; storage may be away now
            return cached
        manifest = ModelManifest.model_validate_json(self.artifacts.get(model.manifest))
        return self._fetch(manifest, model.manifest.sha256)

    def base(self, name: str) -> Path:
        """The directory of a registered base model.

        While storage is unavailable, the one that this machine has, if it has only one.
        """
        uri = f"{base_uri(name)}/{MANIFEST}"
        try:
            content = self.artifacts.read(uri)
        except MissingArtifact as error:
            raise MissingArtifact(
                f"base model {name} is not registered; "
                f"run `caseloop register-base {name}` (no {uri})"
            ) from error
        except Transient:
            known = list(self.directory.glob(f"base-{escape(name)}-{_SHORT_HASH}"))
            if len(known) != 1:
                raise
            return known[0]
        manifest = ModelManifest.model_validate_json(content)
        return self._fetch(manifest, f"base-{name}-{hashlib.sha256(content).hexdigest()[:16]}")

    def _fetch(self, manifest: ModelManifest, key: str) -> Path:
        """Download beside and move in place, so that a directory that exists is complete.

        Of several processes that fetch it at once, the first one's stays.
        """
        target = self.directory / key
        if target.exists():
            return target
        self.directory.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=f"{key}.", dir=self.directory) as folder:
            part = Path(folder) / key
            part.mkdir()
            for name, ref in manifest.files.items():
                self.artifacts.get_file(ref, _inside(part, name))
            try:
                part.replace(target)
            except OSError:
                if not target.exists():
                    raise
        return target


def _inside(directory: Path, name: str) -> Path:
    path = (directory / name).resolve()
    if not path.is_relative_to(directory.resolve()):
        raise CorruptArtifact(f"the manifest names a file outside of the model: {name}")
    return path
