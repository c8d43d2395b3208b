"""On which side of the data a group lies: drawn once from a keyed hash, then kept forever."""

import json
import math
from collections.abc import Mapping

from shared.errors import Rejected
from shared.events import Split
from shared.sampling import DrawKey
from shared.storage.datasets import SPLITS

Shares = Mapping[Split, float]

_FORM = 'write train=0.8,test=0.2 or {"train": 0.8, "test": 0.2}'


def read_shares(text: str) -> Shares:
    """Shares from `train=0.8,test=0.2` or JSON; a split that is not named gets none.

    `Rejected` unless they are shares of the known splits that make up 1 together.
    """
    try:
        named = {name.strip(): float(share) for name, share in _pairs(text)}
    except (ValueError, TypeError, AttributeError):
        raise Rejected(f"cannot be read; {_FORM}", field="splits") from None
    if unknown := set(named) - set(SPLITS):
        known = ", ".join(SPLITS)
        raise Rejected(f"no split {min(unknown)!r}; splits are {known}", field="splits")
    if not all(0 <= share <= 1 for share in named.values()):
        raise Rejected("each share must lie between 0 and 1", field="splits")
    if not math.isclose(sum(named.values()), 1, abs_tol=1e-6):
        raise Rejected(f"the shares make {sum(named.values()):g}, not 1", field="splits")
    return {split: named.get(split, 0.0) for split in SPLITS}


def _pairs(text: str) -> list[tuple[str, float | str]]:
    if text.strip().startswith("{"):
        return list(json.loads(text).items())
    return [(name, share) for name, _, share in (part.partition("=") for part in text.split(","))]


def split_of(group_id: str, *, task: str, key: DrawKey, shares: Shares) -> Split:
    """The split that a new group is drawn into."""
    position = key.draw("split", task, group_id)
    edge = 0.0
    for split in SPLITS:
        edge += shares[split]
        if position < edge:
            return split
    return max(SPLITS, key=lambda split: shares[split])  # the shares' sum fell short of 1 by a hair
