"""Without object storage, a model is what this machine has fetched and checked before."""

from pathlib import Path

import pytest

from shared.errors import Transient
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import ModelCache
from tests.unit.inference.processes import AWAY, V0, V1, away, on_disk


@pytest.fixture
def cache(tmp_path: Path) -> ModelCache:
    return ModelCache(Artifacts(AWAY), tmp_path)


def test_a_version_is_found_by_the_hash_that_was_published(cache: ModelCache) -> None:
    model = on_disk(cache.directory, V0).model

    assert cache.adapter(model) == cache.directory / model.manifest.sha256
    with pytest.raises(Transient):
        cache.adapter(model.model_copy(update={"manifest": away(V1).model.manifest}))


def test_a_base_model_is_taken_from_disk_if_there_is_no_doubt_which(cache: ModelCache) -> None:
    with pytest.raises(Transient):
        cache.base("small")
    (cache.directory / f"base-small-er-{'0' * 16}").mkdir()
    (cache.directory / f"base-small-{'1' * 16}.unfinished").mkdir()
    fetched = cache.directory / f"base-small-{'1' * 16}"
    fetched.mkdir()
    assert cache.base("small") == fetched

    (cache.directory / f"base-small-{'2' * 16}").mkdir()
    with pytest.raises(Transient):
        cache.base("small")
