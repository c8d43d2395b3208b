"""The recipe from end to end: labels and reasons are learned and come out of a backend."""

import io
import json
from pathlib import Path
from random import Random

import pytest

from services.trainer.data import read_splits
from services.trainer.progress import Progress
from services.trainer.strategies.lora_recipe import LoraRecipe
from services.trainer.train import run
from shared.models.backend import BackendOptions
from shared.models.backends.registry import open_backend
from shared.models.calibration import probabilities
from shared.tasks.task import Prompt
from tests.support.models.tiny_base_model import save_tiny_base

pytestmark = pytest.mark.slow  # loads PyTorch

LABELS = ("APPROVED", "DENIED", "PENDING")
FACTS = {
    "APPROVED": ("all pass", "Edits pass and the note supports it."),
    "DENIED": ("exclusion fail, cosmetic service is excluded", "Cosmetic service is excluded."),
    "PENDING": ("authorization pend, none on file", "No authorization is on file."),
}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    texts = [*LABELS, *(text for fact in FACTS.values() for text in fact)]
    return save_tiny_base(tmp_path / "base", texts=texts, vocabulary=420)


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


def test_it_learns_stated_facts_from_sixty_claims(base: Path, claims: Path, tmp_path: Path) -> None:
    metrics = run(
        LoraRecipe(epochs=16, least_steps=1, batch_cases=8, learning_rate=0.005, reason_weight=1.0),
        data=claims,
        base=base,
        out=tmp_path / "out",
        labels=LABELS,
        device="cpu",
        progress=Progress(io.StringIO()),
    )
    assert metrics["validation_accuracy"] >= 0.95

    backend = open_backend("transformers", BackendOptions(base=base, device="cpu"))
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
