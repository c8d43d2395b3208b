"""What every backend promises, written once and run against each of them.

A new backend is tested by an entry in `FILES`.
"""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from shared.errors import Rejected
from shared.models.backend import Backend, BackendOptions, LabelScores, ModelUnusable
from shared.models.backends.linear_model import LinearModel
from shared.models.backends.registry import BACKENDS, open_backend
from shared.tasks.task import Prompt

pytestmark = pytest.mark.slow  # loads PyTorch

LABELS = ("APPROVED", "DENIED", "PENDING")
OLD, NEW = "adjudication-v1.0", "adjudication-v1.1"
PROMPTS = [
    Prompt("Decide the claim.", f"Edits: {edits}.\nNote: {note}")
    for edits in ("all pass", "exclusion fail", "code validity pend")
    for note in ("Severely limited.", "none", "No better after 9 weeks of rest." * 3)
]


@dataclass(frozen=True)
class Files:
    """What a backend can load: two versions, the file that holds their weights, their base."""

    versions: dict[str, Path]
    weights: str
    base: Path | None = None


@dataclass(frozen=True)
class Subject:
    """A backend and what it can load."""

    backend: Backend
    versions: dict[str, Path]
    weights: str


def _linear_files(request: pytest.FixtureRequest) -> Files:
    versions: dict[str, Path] = {}
    for seed, version in enumerate((OLD, NEW)):
        versions[version] = request.getfixturevalue("tmp_path") / version
        random = np.random.default_rng(seed)
        coefficients = random.normal(size=(3, 2**10)).astype(np.float32)
        LinearModel(LABELS, coefficients, np.zeros(3, np.float32)).save(versions[version])
    return Files(versions, "linear.npz")


def _adapter_files(request: pytest.FixtureRequest) -> Files:
    return Files(
        request.getfixturevalue("tiny_adapters"),
        "adapter_model.safetensors",
        base=request.getfixturevalue("tiny_base"),
    )


FILES: dict[str, Callable[[pytest.FixtureRequest], Files]] = {
    "scikit-learn": _linear_files,
    "transformers": _adapter_files,
}


@pytest.fixture(params=sorted(BACKENDS))
def subject(request: pytest.FixtureRequest) -> Subject:
    return open_subject(request.param, FILES[request.param](request))


def open_subject(name: str, files: Files) -> Subject:
    backend = open_backend(name, BackendOptions(base=files.base, device="cpu"))
    assert backend.name == name
    return Subject(backend, files.versions, files.weights)


@pytest.fixture
def loaded(subject: Subject) -> Iterator[Backend]:
    for version, directory in subject.versions.items():
        subject.backend.load(version, directory)
    yield subject.backend
    for version in subject.versions:
        subject.backend.unload(version)


def _values(scores: list[LabelScores]) -> list[float]:
    return [value for score in scores for value in score.log_probabilities.values()]


def test_scores_come_in_the_order_of_the_prompts(loaded: Backend) -> None:
    forward = loaded.score(OLD, PROMPTS, LABELS)
    backward = loaded.score(OLD, PROMPTS[::-1], LABELS)
    assert _values(backward[::-1]) == pytest.approx(_values(forward), abs=0.02)
    assert len({tuple(score.log_probabilities.values()) for score in forward}) == len(PROMPTS)


def test_a_score_names_every_label_and_has_at_most_the_whole_mass(loaded: Backend) -> None:
    for score in loaded.score(OLD, PROMPTS, LABELS):
        assert set(score.log_probabilities) == set(LABELS)
        assert 0 < score.label_mass <= 1.001


def test_a_case_scores_the_same_whatever_it_is_scored_with(loaded: Backend) -> None:
    together = loaded.score(OLD, PROMPTS, LABELS)
    alone = [loaded.score(OLD, [prompt], LABELS)[0] for prompt in PROMPTS]
    assert _values(alone) == pytest.approx(_values(together), abs=0.02)


def test_no_prompts_no_scores(loaded: Backend) -> None:
    assert loaded.score(OLD, [], LABELS) == []


def test_versions_live_side_by_side(loaded: Backend) -> None:
    before = _values(loaded.score(OLD, PROMPTS, LABELS))
    other = _values(loaded.score(NEW, PROMPTS, LABELS))
    assert _values(loaded.score(OLD, PROMPTS, LABELS)) == before
    assert np.abs(np.subtract(before, other)).max() > 0.1


def test_unloading_one_leaves_the_other(loaded: Backend) -> None:
    before = _values(loaded.score(OLD, PROMPTS, LABELS))
    loaded.unload(NEW)
    loaded.unload(NEW)
    assert loaded.loaded() == (OLD,)
    assert _values(loaded.score(OLD, PROMPTS, LABELS)) == before
    with pytest.raises(ModelUnusable, match="not loaded"):
        loaded.score(NEW, PROMPTS, LABELS)


def test_a_version_comes_back_the_same_after_all_were_unloaded(
    subject: Subject, loaded: Backend
) -> None:
    before = _values(loaded.score(OLD, PROMPTS, LABELS))
    loaded.unload(OLD)
    loaded.unload(NEW)
    assert loaded.loaded() == ()
    loaded.load(OLD, subject.versions[OLD])
    assert _values(loaded.score(OLD, PROMPTS, LABELS)) == before


@pytest.mark.parametrize("damage", ["missing", "truncated", "empty directory"])
def test_an_unusable_directory_is_refused_and_the_others_serve_on(
    subject: Subject, tmp_path: Path, damage: str
) -> None:
    backend, directory = subject.backend, tmp_path / "damaged"
    backend.load(OLD, subject.versions[OLD])
    before = _values(backend.score(OLD, PROMPTS, LABELS))
    shutil.copytree(subject.versions[NEW], directory)
    weights = directory / subject.weights
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-20])
    elif damage == "missing":
        weights.unlink()
    else:
        shutil.rmtree(directory)
    with pytest.raises(ModelUnusable):
        backend.load(NEW, directory)
    assert backend.loaded() == (OLD,)
    assert _values(backend.score(OLD, PROMPTS, LABELS)) == before
    backend.load(NEW, subject.versions[NEW])
    assert backend.loaded() == (OLD, NEW)


def test_threads_may_score_load_and_unload_at_once(subject: Subject) -> None:
    backend = subject.backend
    backend.load(OLD, subject.versions[OLD])
    before = _values(backend.score(OLD, PROMPTS, LABELS))

    def swap(times: int) -> None:
        for _ in range(times):
            backend.load(NEW, subject.versions[NEW])
            backend.score(NEW, PROMPTS, LABELS)
            backend.unload(NEW)

    with ThreadPoolExecutor(max_workers=2) as pool:
        swapping = pool.submit(swap, 5)
        scored = [pool.submit(backend.score, OLD, PROMPTS, LABELS) for _ in range(10)]
        swapping.result()
        assert [_values(one.result()) for one in scored] == [before] * 10


def test_an_explanation_is_a_short_text_of_that_version(loaded: Backend) -> None:
    first = loaded.explain(OLD, PROMPTS[0], "APPROVED", max_tokens=8)
    assert first == loaded.explain(OLD, PROMPTS[0], "APPROVED", max_tokens=8)
    assert first != loaded.explain(NEW, PROMPTS[0], "APPROVED", max_tokens=8)
    with pytest.raises(ModelUnusable, match="not loaded"):
        loaded.explain("adjudication-v9.9", PROMPTS[0], "APPROVED")


def test_every_backend_reads_an_ordinary_prompt(loaded: Backend) -> None:
    assert all(loaded.reads(OLD, prompt) for prompt in PROMPTS)


def test_a_limit_is_of_its_version_and_what_is_longer_is_rejected(subject: Subject) -> None:
    backend = subject.backend
    backend.load(OLD, subject.versions[OLD], longest_prompt_tokens=1)
    backend.load(NEW, subject.versions[NEW])
    assert backend.reads(NEW, PROMPTS[0])
    assert len(backend.score(NEW, PROMPTS, LABELS)) == len(PROMPTS)
    if backend.reads(OLD, PROMPTS[0]):  # it reads any length
        assert len(backend.score(OLD, PROMPTS, LABELS)) == len(PROMPTS)
    else:
        with pytest.raises(Rejected, match="at most 1 "):
            backend.score(OLD, PROMPTS, LABELS)


def test_an_unknown_backend_and_a_missing_base_model_are_named() -> None:
    with pytest.raises(ModelUnusable, match="no such backend"):
        open_backend("llama", BackendOptions())
    with pytest.raises(ModelUnusable, match="base model"):
        open_backend("transformers", BackendOptions())


def test_services_without_a_model_load_no_model_library() -> None:
    code = (
        "import sys, shared.models.pool, shared.models.calibration, shared.models.base_model;"
        "print([m for m in ('torch', 'transformers', 'sklearn', 'numpy') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
