"""Scores with a causal language model: the base once in memory, each version a LoRA adapter on it.

A case's scores do not depend on the cases it is scored with. One call at a time works on the
model, so that an adapter never comes or goes in the middle of a batch.
"""

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import torch
from peft import LoraConfig
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from shared.errors import Rejected
from shared.models.backend import Backend, BackendOptions, LabelScores, ModelUnusable
from shared.models.causal_lm import (
    add_adapter,
    answer_logits,
    fill_adapter,
    load_base,
    remove_adapter,
    use_adapter,
)
from shared.models.passes import abreast, passes, side_by_side
from shared.models.tokens import TokenRow, Tokens, readable_tokens
from shared.tasks.task import Prompt

T = TypeVar("T")

_CPU_TOKENS = 1024  # of one forward pass, padding counted
_GPU_TOKENS = 32768


def open_backend(options: BackendOptions) -> Backend:
    if options.base is None:
        raise ModelUnusable("the transformers backend needs a base model")
    return TransformersBackend(
        options.base, quantization=options.quantization, device=options.device
    )


@dataclass(frozen=True)
class _Adapter:
    """A version in memory: its name in peft, which takes no dots, and what it reads."""

    name: str
    longest_prompt_tokens: int


class TransformersBackend:
    name = "transformers"

    def __init__(self, base: Path, *, quantization: str = "none", device: str = "auto") -> None:
        self.quantization = quantization
        self.tokens = Tokens(base)
        self.model: Any = load_base(base, quantization=quantization, device=device)
        self._pass_tokens = _CPU_TOKENS if self.model.device.type == "cpu" else _GPU_TOKENS
        self._adapters: dict[str, _Adapter] = {}  # by version
        self._names = (f"adapter{number}" for number in itertools.count())
        self._lock = threading.Lock()

    def load(
        self, version: str, directory: Path, *, longest_prompt_tokens: int | None = None
    ) -> None:
        config, weights = _read_adapter(directory)
        readable = readable_tokens(self.model.config, longest_prompt_tokens)
        with self._lock:
            if version in self._adapters:
                return
            name = next(self._names)
            try:
                add_adapter(self.model, config, name)
                fill_adapter(self.model, name, weights)
            except (RuntimeError, ValueError, KeyError) as error:
                remove_adapter(self.model, name)
                raise ModelUnusable(f"the adapter does not fit the base model: {error}") from error
            self._adapters[version] = _Adapter(name, readable)

    def unload(self, version: str) -> None:
        with self._lock:
            adapter = self._adapters.pop(version, None)
            if adapter is not None:
                remove_adapter(self.model, adapter.name)

    def loaded(self) -> tuple[str, ...]:
        return tuple(self._adapters)

    def reads(self, version: str, prompt: Prompt) -> bool:
        return len(self.tokens.prompt(prompt)) <= self._adapter(version).longest_prompt_tokens

    def score(
        self, version: str, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[LabelScores]:
        answers = self.tokens.scored(labels)
        adapter = self._adapter(version)
        tokens = [self._prompt_tokens(adapter, prompt) for prompt in prompts]
        with self._lock:
            self._use(version)
            if len(answers[0]) == 1:
                scores = self._score_first(tokens, [answer[0] for answer in answers])
            else:
                scores = self._score_whole(tokens, answers)
        return [LabelScores(dict(zip(labels, values, strict=True))) for values in scores]

    def explain(self, version: str, prompt: Prompt, label: str, *, max_tokens: int = 64) -> str:
        read = self._prompt_tokens(self._adapter(version), prompt)
        begun = (*read, *self.tokens.label(label))
        ids = torch.tensor([begun], device=self.model.device)
        with self._lock, torch.inference_mode():
            self._use(version)
            written = self.model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=max_tokens,
                do_sample=False,
                eos_token_id=self.tokens.end,
                pad_token_id=self.tokens.end,
            )
        return self.tokens.decode(written[0, len(begun) :].tolist())

    def _prompt_tokens(self, adapter: _Adapter, prompt: Prompt) -> tuple[int, ...]:
        tokens, longest = self.tokens.prompt(prompt), adapter.longest_prompt_tokens
        if len(tokens) > longest:
            raise Rejected(f"the prompt has {len(tokens)} tokens; at most {longest} are read")
        return tokens

    def _adapter(self, version: str) -> _Adapter:
        adapter = self._adapters.get(version)
        if adapter is None:
            raise ModelUnusable(f"{version} is not loaded")
        return adapter

    def _use(self, version: str) -> None:
        """Under the lock: the version may have been unloaded since it was looked up."""
        use_adapter(self.model, self._adapter(version).name)

    def _score_first(
        self, prompts: Sequence[tuple[int, ...]], firsts: Sequence[int]
    ) -> list[list[float]]:
        """One position a prompt: the first token stands for the label."""

        @torch.inference_mode()
        def read(rows: Sequence[TokenRow]) -> list[list[float]]:
            logits = answer_logits(self.model, rows).log_softmax(-1)
            scores: list[list[float]] = logits[:, list(firsts)].tolist()
            return scores

        return self._in_passes(read, [TokenRow(prompt, tuple(firsts[:1])) for prompt in prompts])

    def _score_whole(
        self, prompts: Sequence[tuple[int, ...]], answers: Sequence[tuple[int, ...]]
    ) -> list[list[float]]:
        """Every token of every label: a label's log-probability is the sum over its tokens."""

        @torch.inference_mode()
        def read(rows: Sequence[TokenRow]) -> list[float]:
            targets = torch.tensor([token for row in rows for token in row.answer])
            logits = answer_logits(self.model, rows).log_softmax(-1).cpu()
            values = iter(logits.gather(1, targets[:, None])[:, 0].tolist())
            return [sum(itertools.islice(values, len(row.answer))) for row in rows]

        rows = [TokenRow(prompt, answer) for prompt in prompts for answer in answers]
        scores = self._in_passes(read, rows)
        return [scores[at : at + len(answers)] for at in range(0, len(scores), len(answers))]

    def _in_passes(
        self, read: Callable[[Sequence[TokenRow]], list[T]], rows: Sequence[TokenRow]
    ) -> list[T]:
        """What `read` says of each row, in their order."""
        device = self.model.device
        lengths = [len(row.inputs) for row in rows]
        parts = passes(range(len(rows)), lengths, tokens=self._pass_tokens, abreast=abreast(device))
        values = side_by_side(lambda part: read([rows[i] for i in part]), parts, device=device)
        by_row = dict(zip(chain(*parts), chain(*values), strict=True))
        return [by_row[index] for index in range(len(rows))]


def _read_adapter(directory: Path) -> tuple[LoraConfig, dict[str, Tensor]]:
    """Configuration and weights as peft saves them."""
    settings = directory / "adapter_config.json"
    if not settings.exists():  # peft would look for it on a hub
        raise ModelUnusable(f"no LoRA adapter: {settings.name} is missing")
    try:
        config = LoraConfig.from_pretrained(str(directory))
        weights = load_file(directory / "adapter_model.safetensors")
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise ModelUnusable(f"no readable LoRA adapter: {error}") from error
    if not isinstance(config, LoraConfig):
        raise ModelUnusable(f"the adapter is of type {config.peft_type}, not LoRA")
    broken = [name for name, weight in weights.items() if not weight.isfinite().all()]
    if broken:
        raise ModelUnusable(f"the adapter's weights are not finite at {broken[0]}")
    return config, weights
