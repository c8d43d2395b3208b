"""The ways to train a version, a file each. Nothing else in the trainer knows one by its name."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from services.trainer.strategies import linear, lora
from services.trainer.strategies.strategy import Recipe, Strategy
from shared.errors import Rejected, first_failure

STRATEGIES: dict[str, Strategy[Any]] = {
    "lora": lora.STRATEGY,
    "linear": linear.STRATEGY,
}
DEFAULT_STRATEGY = "lora"


def read_recipe(settings: Mapping[str, Any]) -> Recipe:
    """The recipe of the strategy that `settings` name; `Rejected` says which setting is wrong."""
    name = settings.get("strategy", DEFAULT_STRATEGY)
    if name not in STRATEGIES:
        raise Rejected(f"is none of {', '.join(STRATEGIES)}", field="recipe strategy")
    try:
        recipe: Recipe = STRATEGIES[name].recipe.model_validate(settings)
    except ValidationError as error:
        field, reason = first_failure(error)
        raise Rejected(reason, field=f"recipe {field}") from None
    return recipe
