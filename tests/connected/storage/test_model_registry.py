"""The model cache on real object storage: whole directories only, also when two fetch at once."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import ModelCache, base_uri, model_uri, store_model
from tests.support.builders.events import NOW, trained

FILES = {f"part-{number}": bytes([number]) * 200_000 for number in range(8)}


def publish(settings: EngineSettings, directory: Path, name: str, files: dict[str, bytes]) -> None:
    directory.mkdir()
    for part, content in files.items():
        (directory / part).write_bytes(content)
    store_model(Artifacts(settings), directory, base_uri(name), created_at=NOW, about={})


def found_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_of_several_that_fetch_at_once_each_gets_all_of_it(
    settings: EngineSettings, tmp_path: Path
) -> None:
    publish(settings, tmp_path / "source", "at-once", FILES)

    def fetch(_: int) -> dict[str, bytes]:
        return found_in(ModelCache(Artifacts(settings), tmp_path / "cache").base("at-once"))

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(fetch, range(12))) == [FILES] * 12
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_another_base_of_the_same_name_is_another_directory(
    settings: EngineSettings, tmp_path: Path
) -> None:
    cache = ModelCache(Artifacts(settings), tmp_path / "cache")
    publish(settings, tmp_path / "one", "renewed", FILES)
    first = cache.base("renewed")
    publish(settings, tmp_path / "two", "renewed", {"part-0": b"new"})

    assert found_in(cache.base("renewed")) == {"part-0": b"new"}
    assert found_in(first) == FILES


def test_a_late_upload_of_a_version_leaves_the_published_one_as_it_is(
    settings: EngineSettings, tmp_path: Path
) -> None:
    """A trainer that lost its lease writes the same version once more."""
    artifacts, version = Artifacts(settings), "adjudication-v1.7"
    uploads = []
    for number in (1, 2):
        directory = tmp_path / str(number)
        directory.mkdir()
        (directory / "adapter").write_bytes(bytes([number]))
        uri = model_uri("adjudication", version)
        uploads.append(store_model(artifacts, directory, uri, created_at=NOW, about={}))

    cache = ModelCache(artifacts, tmp_path / "cache")
    found = [found_in(cache.adapter(trained(version, manifest=upload))) for upload in uploads]

    assert found == [{"adapter": b"\x01"}, {"adapter": b"\x02"}]
