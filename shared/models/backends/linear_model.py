"""Logistic regression over hashed words and pairs of words, and the two files it is saved as.

The files are numbers and JSON, never pickle: loading a model must not run code.
"""

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax
from sklearn.feature_extraction.text import HashingVectorizer

from shared.models.backend import ModelUnusable

FEATURES = 2**16
NUMBERS = "linear.npz"
SETTINGS = "linear.json"
_WORD = r"(?u)\b\w[\w.]*\w\b"  # a code such as M54.16 is one word

Floats = NDArray[np.float32]


def vectorizer(features: int = FEATURES) -> Any:
    return HashingVectorizer(
        n_features=features,
        ngram_range=(1, 2),
        token_pattern=_WORD,
        alternate_sign=False,
        norm="l2",
        dtype=np.float32,
    )


def _whole(term: str) -> list[str]:
    return [term]


@dataclass(frozen=True)
class LinearModel:
    """`coefficients` is [labels, features], `intercepts` [labels]."""

    labels: tuple[str, ...]
    coefficients: Floats
    intercepts: Floats

    @cached_property
    def _vectorizer(self) -> Any:
        return vectorizer(self.coefficients.shape[1])

    def log_probabilities(self, texts: Sequence[str]) -> Floats:
        """[texts, labels], natural logarithms that sum to 1 as probabilities."""
        scores = self._vectorizer.transform(texts) @ self.coefficients.T + self.intercepts
        log_probabilities: Floats = log_softmax(scores, axis=1)
        return log_probabilities

    def decisive(self, text: str, label: str) -> list[str]:
        """Words and pairs of `text`, the ones that speak most for `label` first, none against."""
        terms = sorted(set(self._vectorizer.build_analyzer()(text)))
        if not terms:
            return []
        alone = vectorizer(self.coefficients.shape[1]).set_params(analyzer=_whole)
        weights = alone.transform(terms) @ self.coefficients.T  # length 1: its coefficient
        advantage = weights[:, self.labels.index(label)] - weights.mean(axis=1)
        order = np.argsort(-advantage, kind="stable")
        return [terms[at] for at in order if advantage[at] > 0]

    def save(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(
            directory / NUMBERS, coefficients=self.coefficients, intercepts=self.intercepts
        )
        (directory / SETTINGS).write_text(json.dumps({"labels": self.labels}))

    @classmethod
    def load(cls, directory: Path) -> "LinearModel":
        try:
            labels = tuple(json.loads((directory / SETTINGS).read_text())["labels"])
            with np.load(directory / NUMBERS, allow_pickle=False) as numbers:
                model = cls(labels, numbers["coefficients"], numbers["intercepts"])
        except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ModelUnusable(f"no readable linear model: {error}") from error
        model._check()
        return model

    def _check(self) -> None:
        shape = self.coefficients.shape
        if len(shape) != 2 or not len(self.labels) == shape[0] == len(self.intercepts):
            raise ModelUnusable(f"a linear model of {len(self.labels)} labels has shape {shape}")
        if not (np.isfinite(self.coefficients).all() and np.isfinite(self.intercepts).all()):
            raise ModelUnusable("the linear model's coefficients are not finite")
