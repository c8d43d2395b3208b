"""Versions in memory: on one base model if they can, and none goes for another's fault."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from shared.errors import Transient
from shared.events import TrainedModel
from shared.models.backend import Backend, BackendOptions, ModelUnusable
from shared.models.backends.registry import open_backend
from shared.models.pool import ModelPool
from shared.tasks.task import Prompt
from tests.support.builders.events import trained

OLD, NEW = "adjudication-v1.0", "adjudication-v1.1"
PROMPT = Prompt("Decide the claim.", "Edits: all pass.")
LABELS = ("APPROVED", "DENIED", "PENDING")


@dataclass
class Disk:
    """A model cache that has everything, except while object storage is `away`."""

    base_model: Path
    adapters: dict[str, Path]
    away: bool = False

    def base(self, _: str) -> Path:
        return self.base_model

    def adapter(self, model: TrainedModel) -> Path:
        if self.away:
            raise Transient("object storage is unavailable")
        return self.adapters[model.version]


@dataclass
class Opener:
    """Opens backends and remembers what it was asked for."""

    opened: list[tuple[str, BackendOptions]] = field(default_factory=list)

    def __call__(self, name: str, options: BackendOptions) -> Backend:
        self.opened.append((name, options))
        return open_backend(name, options)


@pytest.fixture
def disk(tiny_base: Path, tiny_adapters: dict[str, Path]) -> Disk:
    return Disk(tiny_base, dict(tiny_adapters))


@pytest.fixture
def opener() -> Opener:
    return Opener()


@pytest.fixture
def pool(disk: Disk, opener: Opener) -> ModelPool:
    return ModelPool(disk, "cpu", opener)  # type: ignore[arg-type]


def on_tiny(version: str, *, longest_prompt_tokens: int | None = None) -> TrainedModel:
    return trained(
        version,
        backend="transformers",
        base_model="tiny",
        longest_prompt_tokens=longest_prompt_tokens,
    )


def test_versions_on_one_base_model_share_it(
    pool: ModelPool, opener: Opener, tiny_base: Path
) -> None:
    assert pool.load(on_tiny(OLD)) is pool.load(on_tiny(NEW))
    assert opener.opened == [("transformers", BackendOptions(base=tiny_base, device="cpu"))]
    assert set(pool.versions) == {OLD, NEW}


def test_a_version_brings_its_own_longest_prompt(pool: ModelPool) -> None:
    backend = pool.load(on_tiny(OLD, longest_prompt_tokens=3))
    pool.load(on_tiny(NEW))

    assert (backend.reads(OLD, PROMPT), backend.reads(NEW, PROMPT)) == (False, True)


def test_a_refused_version_leaves_the_others_and_may_be_tried_again(
    pool: ModelPool, disk: Disk, tmp_path: Path
) -> None:
    backend = pool.load(on_tiny(OLD))
    before = backend.score(OLD, [PROMPT], LABELS)
    sound, disk.adapters[NEW] = disk.adapters[NEW], tmp_path
    with pytest.raises(ModelUnusable):
        pool.load(on_tiny(NEW))

    assert (pool.versions, pool.backend_of(NEW)) == ((OLD,), None)
    assert backend.score(OLD, [PROMPT], LABELS) == before
    disk.adapters[NEW] = sound
    assert pool.load(on_tiny(NEW)) is backend


def test_what_is_in_memory_needs_no_object_storage(pool: ModelPool, disk: Disk) -> None:
    backend = pool.load(on_tiny(OLD))
    disk.away = True

    assert pool.load(on_tiny(OLD)) is backend
    with pytest.raises(Transient):
        pool.load(on_tiny(NEW))


def test_a_forgotten_version_answers_no_more_and_its_memory_comes_back(pool: ModelPool) -> None:
    backend = pool.load(on_tiny(OLD))
    pool.load(on_tiny(NEW))
    unload = pool.forget(OLD)

    assert (pool.backend_of(OLD), pool.backend_of(NEW)) == (None, backend)
    unload()
    assert backend.loaded() == (NEW,)
