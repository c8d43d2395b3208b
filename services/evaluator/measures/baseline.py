"""The baseline: logistic regression on words and word pairs. Is the language model worth it?

Trained here on the dataset's own training split, in a second or two, and never served.
"""

import time
from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from services.evaluator.measures.held_out import Answers
from shared.models.backends.linear_model import vectorizer
from shared.storage.datasets import Example

NAME = "baseline"


class Baseline:
    """A fitted baseline. With one label in the training split it answers that one always."""

    def __init__(self, training: Sequence[Example], labels: Sequence[str]) -> None:
        self._labels = tuple(labels)
        self._vectorizer = vectorizer()
        self._known = sorted({example.label for example in training})
        self._model = LogisticRegression(C=30.0, max_iter=1000)
        if len(self._known) > 1:
            features = self._vectorizer.transform(_texts(training))
            # Most of the hashed columns are empty; without them fitting takes a tenth.
            self._columns = np.unique(features.indices)
            self._model.fit(features[:, self._columns], [example.label for example in training])

    def answers(self, examples: Sequence[Example]) -> Answers:
        begun = time.perf_counter()
        probabilities = self._probabilities(examples)
        elapsed = time.perf_counter() - begun
        return Answers.of(
            NAME,
            [{label: row.get(label, 0.0) for label in self._labels} for row in probabilities],
            labels=self._labels,
            label_mass=[1.0] * len(probabilities),
            milliseconds_per_case=1000 * elapsed / max(len(probabilities), 1),
        )

    def _probabilities(self, examples: Sequence[Example]) -> list[dict[str, float]]:
        if len(self._known) < 2 or not examples:
            return [dict.fromkeys(self._known, 1.0) for _ in examples]
        features = self._vectorizer.transform(_texts(examples))[:, self._columns]
        table = self._model.predict_proba(features)
        return [dict(zip(self._model.classes_, row, strict=True)) for row in table.tolist()]


def _texts(examples: Sequence[Example]) -> list[str]:
    return [example.prompt.user for example in examples]
