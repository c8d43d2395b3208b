"""The language model's two measures, both on the base model that the demonstration uses.

`scoring`: micro-batched label scores against `model.generate` of label and reasoning, one case
after the other, in float32, as most scripts do it. `training`: the recipe's useful tokens a
second against a plain Trainer that pads every example to 2,048 tokens, in float32.
"""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch.utils.data import Dataset
from transformers import AutoModelForCausalLM, AutoTokenizer, Trainer, TrainingArguments

from deploy.simulation import SimulatedClaim, simulated_claims
from services.trainer.progress import Progress
from services.trainer.strategies.lora_recipe import LoraRecipe
from services.trainer.train import run
from shared.models.backend import BackendOptions
from shared.models.backends.registry import open_backend
from shared.models.base_model import SMOLLM2, materialize
from shared.tasks.task import Prompt, answer_text
from tests.bench.measure import Measure, interleaved
from tests.support.builders.events import ADJUDICATION

LABELS = ADJUDICATION.label_names
TRAINED_ON = 64
SCORED, GENERATED, WRITTEN_TOKENS = 192, 3, 40
PADDED_TO, PADDED_STEPS = 2_048, 2
ROUNDS = 3


async def scoring_and_training() -> list[Measure]:
    with TemporaryDirectory() as directory, _quiet():
        bench = LanguageModel(Path(directory))
        training = await interleaved(
            "training",
            "useful tokens/s",
            ours=lambda: asyncio.to_thread(bench.train),
            baseline=lambda: asyncio.to_thread(bench.train_padded),
            rounds=ROUNDS,
        )
        scoring = await interleaved(
            "scoring",
            "decisions/s",
            ours=lambda: asyncio.to_thread(bench.score),
            baseline=lambda: asyncio.to_thread(bench.generate),
            rounds=ROUNDS,
        )
        return [scoring, training]


class LanguageModel:
    """One base model and one adapter, trained by the bench itself, for both sides."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.base = materialize(SMOLLM2, directory / "base")
        self.adapter = directory / "adapter"
        self.claims = list(simulated_claims(seed=1, count=TRAINED_ON + SCORED))
        self._write_data()
        self._scoring: Any = None
        self._generating: Any = None
        self._tokenizer: Any = AutoTokenizer.from_pretrained(self.base)

    def train(self) -> float:
        """Useful tokens a second of one epoch over the training claims."""
        metrics = run(
            LoraRecipe(epochs=1, least_steps=1),
            data=self.directory / "data",
            base=self.base,
            out=self.adapter,
            labels=LABELS,
            progress=Progress(StringIO()),
        )
        return float(metrics["tokens_per_second"])

    def train_padded(self) -> float:
        """Useful tokens a second of a Trainer; padding is work, but no use."""
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(self.base, dtype=torch.float32),
            LoraConfig(r=16, lora_alpha=32, task_type="CAUSAL_LM", target_modules="all-linear"),
        )
        rows = Padded(self._tokenizer, self.claims[:PADDED_STEPS])
        arguments = TrainingArguments(
            output_dir=str(self.directory / "trainer"),
            per_device_train_batch_size=1,
            max_steps=PADDED_STEPS,
            report_to=[],
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=True,
        )
        trainer = Trainer(model=model, args=arguments, train_dataset=rows)
        started = time.perf_counter()
        trainer.train()
        return rows.useful_tokens / (time.perf_counter() - started)

    def score(self) -> float:
        """Decisions a second of the default backend."""
        if self._scoring is None:
            self._scoring = open_backend("transformers", BackendOptions(base=self.base))
            self._scoring.load("bench", self.adapter)
        prompts = [_prompt(claim) for claim in self.claims[TRAINED_ON:]]
        started = time.perf_counter()
        self._scoring.score("bench", prompts, LABELS)
        return SCORED / (time.perf_counter() - started)

    def generate(self) -> float:
        """Decisions a second of a script that lets the model write its answer."""
        if self._generating is None:
            base = AutoModelForCausalLM.from_pretrained(self.base, dtype=torch.float32)
            self._generating = PeftModel.from_pretrained(base, str(self.adapter))
        claims = self.claims[TRAINED_ON : TRAINED_ON + GENERATED]
        started = time.perf_counter()
        for claim in claims:
            text = _chat(self._tokenizer, _prompt(claim))
            tokens = self._tokenizer(text, return_tensors="pt")
            self._generating.generate(**tokens, max_new_tokens=WRITTEN_TOKENS, do_sample=False)
        return GENERATED / (time.perf_counter() - started)

    def _write_data(self) -> None:
        data = self.directory / "data"
        data.mkdir()
        lines = [json.dumps(_example(claim)) for claim in self.claims[:TRAINED_ON]]
        (data / "train.jsonl").write_text("\n".join(lines))
        for split in ("validation", "calibration"):
            (data / f"{split}.jsonl").write_text("\n".join(lines[:10]))


class Padded(Dataset[dict[str, torch.Tensor]]):
    """Whole conversations, padded to a fixed length, the padding masked out of the loss."""

    def __init__(self, tokenizer: Any, claims: list[SimulatedClaim]) -> None:
        self.rows = [
            tokenizer(
                _chat(tokenizer, _prompt(claim)) + answer_text(claim.label, claim.reasoning),
                padding="max_length",
                max_length=PADDED_TO,
                return_tensors="pt",
            )
            for claim in claims
        ]

    @property
    def useful_tokens(self) -> int:
        return sum(int(row["attention_mask"].sum()) for row in self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, torch.Tensor]:
        ids, mask = (self.rows[index][name][0] for name in ("input_ids", "attention_mask"))
        return {
            "input_ids": ids,
            "attention_mask": mask,
            "labels": ids.masked_fill(mask == 0, -100),
        }


def _prompt(claim: SimulatedClaim) -> Prompt:
    return ADJUDICATION.prompt(claim.input.model_dump(mode="json"))


def _chat(tokenizer: Any, prompt: Prompt) -> str:
    messages = [
        {"role": "system", "content": prompt.system},
        {"role": "user", "content": prompt.user},
    ]
    text: str = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
    return text


def _example(claim: SimulatedClaim) -> dict[str, object]:
    prompt = _prompt(claim)
    answer = answer_text(claim.label, claim.reasoning)
    contents = {"system": prompt.system, "user": prompt.user, "assistant": answer}
    return {
        "case_id": claim.input.claim_id,
        "label": claim.label,
        "messages": [{"role": role, "content": text} for role, text in contents.items()],
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """The libraries' progress bars are not the bench's output."""
    from transformers.utils import logging

    logs: Any = logging  # has no types
    logs.set_verbosity_error()
    logs.disable_progress_bar()
    yield
