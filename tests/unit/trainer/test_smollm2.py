"""The embedded base model as it is: out of its wheel, through the recipe, into the backend."""

import io
import json
from pathlib import Path
from random import Random

import pytest

from services.trainer.data import read_splits
from services.trainer.progress import Progress
from services.trainer.strategies.lora import LoraRecipe
from services.trainer.train import run
from shared.models.backend import BackendOptions
from shared.models.backends.registry import open_backend
from shared.models.base_model import SMOLLM2, materialize
from shared.models.calibration import probabilities
from shared.tasks.task import Prompt
from tests.support.models.tiny_adapters import save_tiny_adapter

pytestmark = pytest.mark.slow

LABELS = ("APPROVED", "DENIED", "PENDING")
FACTS = {
    "APPROVED": ("all pass", "Edits pass and the note supports it."),
    "DENIED": ("exclusion fail, cosmetic service is excluded", "Cosmetic service is excluded."),
    "PENDING": ("authorization pend, none on file", "No authorization is on file."),
}


@pytest.fixture
def one_thread() -> None:
    """This model is large enough for all threads."""


@pytest.fixture(scope="module")
def smollm2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return materialize(SMOLLM2, tmp_path_factory.mktemp("smollm2"))


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    random = Random(0)
    for split, count in (("train", 60), ("validation", 30), ("calibration", 30)):
        lines = [_claim(f"{split}-{n}", random) for n in range(count)]
        (tmp_path / f"{split}.jsonl").write_text("\n".join(lines))
    return tmp_path


def _claim(case_id: str, random: Random) -> str:
    label = random.choice(LABELS)
    edits, reason = FACTS[label]
    user = f"Procedures {random.randint(10000, 99999)}. Edits: {edits}. Note: knee pain."
    contents = {"system": "Decide the claim.", "user": user, "assistant": f"{label}\n{reason}"}
    messages = [{"role": role, "content": text} for role, text in contents.items()]
    return json.dumps({"case_id": case_id, "label": label, "messages": messages})


def test_it_comes_out_of_its_wheel_with_all_it_knows(smollm2: Path, tmp_path: Path) -> None:
    backend = open_backend("transformers", BackendOptions(base=smollm2, device="cpu"))
    backend.load("v0", save_tiny_adapter(smollm2, tmp_path / "adapter", seed=0, spread=0.0))
    capital = Prompt("Answer with one word.", "What is the capital of France?")
    cities = ("Paris", "Berlin", "Madrid")
    scores = backend.score("v0", [capital], cities)[0].log_probabilities
    assert max(scores, key=scores.__getitem__) == "Paris"


def test_it_learns_stated_facts_from_sixty_claims(
    smollm2: Path, claims: Path, tmp_path: Path
) -> None:
    metrics = run(
        LoraRecipe(epochs=3, least_steps=1, batch_cases=8),
        data=claims,
        base=smollm2,
        out=tmp_path / "out",
        labels=LABELS,
        device="cpu",
        progress=Progress(io.StringIO()),
    )
    assert metrics["validation_accuracy"] >= 0.95

    backend = open_backend("transformers", BackendOptions(base=smollm2, device="cpu"))
    backend.load("v1.0", tmp_path / "out")
    prompts = [case.prompt for case in read_splits(claims, LABELS)["validation"]]
    together = backend.score("v1.0", prompts, LABELS)
    alone = [backend.score("v1.0", [prompt], LABELS)[0] for prompt in prompts[:5]]
    for one, other in zip(alone, together, strict=False):
        found, expected = (probabilities(s.log_probabilities, 1.0) for s in (one, other))
        assert found == pytest.approx(expected, abs=0.02)
    excluded = Prompt(
        "Decide the claim.",
        "Procedures 15780. Edits: exclusion fail, cosmetic service is excluded. Note: knee pain.",
    )
    assert "excluded" in backend.explain("v1.0", excluded, "DENIED")
