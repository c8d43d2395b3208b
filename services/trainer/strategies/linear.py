"""The strategy `linear`: logistic regression, fitted at once. Seconds, and no base model."""

from collections.abc import Sequence
from typing import Any, Literal

from services.trainer.data import LabeledCase
from services.trainer.strategies.strategy import (
    Positive,
    Recipe,
    Strategy,
    TrainingInputs,
    TrainingResult,
)

_NEVER_SEEN = -20.0  # intercept of a label without a training case: as good as impossible


class LinearRecipe(Recipe):
    strategy: Literal["linear"] = "linear"
    inverse_regularization: Positive = 30.0  # scikit-learn's C

    @property
    def longest_prompt_tokens(self) -> None:
        """It counts words, whatever their number."""


def train(recipe: LinearRecipe, inputs: TrainingInputs) -> TrainingResult:
    """Fit and save. A label without cases is never the answer."""
    import numpy as np

    from shared.models.backends.linear_model import FEATURES, LinearModel

    labels, cases = inputs.labels, inputs.splits["train"]
    seen = [label for label in labels if any(case.label == label for case in cases)]
    coefficients = np.zeros((len(labels), FEATURES), np.float32)
    intercepts = np.full(len(labels), _NEVER_SEEN, np.float32)
    rows = [labels.index(label) for label in seen]
    intercepts[rows] = 0.0
    if len(seen) > 1:
        coefficients[rows], intercepts[rows] = _fit(recipe, cases, seen)
    LinearModel(tuple(labels), coefficients, intercepts).save(inputs.out)
    return TrainingResult(inputs.splits, {})


def _fit(
    recipe: LinearRecipe, cases: Sequence[LabeledCase], seen: Sequence[str]
) -> tuple[Any, Any]:
    """Coefficients [seen, features] and intercepts [seen]."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    from shared.models.backends.linear_model import vectorizer

    model = LogisticRegression(
        C=recipe.inverse_regularization, max_iter=2000, random_state=recipe.seed
    )
    model.fit(
        vectorizer().transform([case.prompt.user for case in cases]),
        [seen.index(case.label) for case in cases],
    )
    if len(seen) > 2:
        return model.coef_, model.intercept_
    # Of two labels scikit-learn has one row, for the second: softmax of (0, x) is its sigmoid.
    return np.vstack([0 * model.coef_, model.coef_]), np.array([0.0, model.intercept_[0]])


STRATEGY = Strategy(
    recipe=LinearRecipe,
    train=train,
    backend="scikit-learn",
    needs_base_model=False,
    files=("linear.npz", "linear.json"),
)
