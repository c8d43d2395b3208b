"""On which side of the data a group lies: drawn once from a keyed hash, then kept forever."""

import json
import math
from collections.abc import Mapping

from shared.errors import Rejected
from shared.events import Split
from shared.sampling import DrawKey
from shared.storage.datasets import SPLITS, TRAINING_SPLITS

Shares = Mapping[Split, float]

_USES = {"test": "test a model", "certification": "certify a model"}
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


def import_splits(*, may_test: bool) -> frozenset[Split]:
    """Where imported labels may lie. What certifies a model is never what somebody brought, and
    what tests it only where the settings say so: it would be measured by what it was fed."""
    return frozenset({*TRAINING_SPLITS, "test"} if may_test else TRAINING_SPLITS)


def shares_of_import(text: str, *, usual: Shares, allowed: frozenset[Split]) -> Shares:
    """The shares of an import that names some, else the usual ones without what is not allowed.

    `Rejected` if it names a split that imported labels may not lie in.
    """
    if text.strip():
        shares = read_shares(text)
        if barred := [split for split in SPLITS if shares[split] and split not in allowed]:
            known = ", ".join(split for split in SPLITS if split in allowed)
            raise Rejected(
                f"imported cases never {_USES[barred[0]]}: share {known}", field="splits"
            )
        return shares
    kept = {split: share if split in allowed else 0.0 for split, share in usual.items()}
    total = sum(kept.values())
    if not total:
        return {split: float(split == "train") for split in SPLITS}
    return {split: share / total for split, share in kept.items()}


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
