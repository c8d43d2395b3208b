"""Texts as token ids, the same in training and in scoring.

Each piece of an answer (label, line break, reasoning) is made into tokens by itself, so that the
label's tokens, and the position they are read at, do not depend on what follows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.tasks.task import Prompt


@dataclass(frozen=True)
class TokenRow:
    """A prompt and an answer to it, as token ids."""

    prompt: tuple[int, ...]
    answer: tuple[int, ...]

    @property
    def inputs(self) -> tuple[int, ...]:
        """What the model reads: the answer's last token predicts nothing."""
        return self.prompt + self.answer[:-1]


def readable_tokens(config: Any, allowed: int | None = None) -> int:
    """The longest prompt of a base model with this configuration: an answer needs room.

    `allowed` is less, because the memory of a pass grows with the square of a prompt's length.
    """
    room: int = config.max_position_embeddings - 1
    return min(room, allowed or room)


class Tokens:
    """The tokenizer of a base model, with its chat template."""

    def __init__(self, base: Path) -> None:
        from transformers import AutoTokenizer

        self.tokenizer: Any = AutoTokenizer.from_pretrained(base)
        controls = self.tokenizer.added_tokens_decoder.values()
        self._controls = [token.content for token in controls if token.special]

    @property
    def end(self) -> int:
        end: int = self.tokenizer.eos_token_id
        return end

    def text(self, text: str) -> tuple[int, ...]:
        return tuple(self.tokenizer(text, add_special_tokens=False).input_ids)

    def prompt(self, prompt: Prompt) -> tuple[int, ...]:
        """The prompt up to where the answer begins."""
        messages = [
            {"role": "system", "content": self._harmless(prompt.system)},
            {"role": "user", "content": self._harmless(prompt.user)},
        ]
        return self.text(
            self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        )

    def answer(self, label: str, reasoning: str) -> tuple[int, ...]:
        return (*self.label(label), *self.text(self._harmless(reasoning)), self.end)

    def label(self, label: str) -> tuple[int, ...]:
        """A label and the line break that ends it, so that no label is another's beginning."""
        return (*self.text(label), *self.text("\n"))

    def scored(self, labels: Sequence[str]) -> list[tuple[int, ...]]:
        """The tokens that distinguish the labels: the first one if that is enough."""
        whole = [self.label(label) for label in labels]
        first = [tokens[:1] for tokens in whole]
        return first if len(set(first)) == len(first) else whole

    def decode(self, tokens: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(tokens), skip_special_tokens=True)
        return text.strip()

    def _harmless(self, text: str) -> str:
        """The text without control tokens: a note cannot end its turn and speak as the model."""
        for control in self._controls:
            text = text.replace(control, " ")
        return text
