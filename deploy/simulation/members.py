"""Who a simulated claim is about. Members have 1 to 4 claims, which lie near each other.

Claims come in blocks; each block is dealt out to its own members, so that any claim can be
made without the ones before it.
"""

from dataclasses import dataclass
from functools import lru_cache
from random import Random

BLOCK = 100
_POLICIES = {"ESSENTIAL-HMO": 40, "CHOICE-PPO": 40, "SENIOR-CARE": 20}
_PROVIDERS_A_CATEGORY = 3


@dataclass(frozen=True)
class Member:
    member_id: str
    policy_id: str
    age: int


def member_of(*, seed: int, index: int) -> Member:
    """The member of claim number `index`."""
    block, place = divmod(index, BLOCK)
    number = block * BLOCK + _deal(seed, block)[place]
    random = Random(f"member {seed} {number}")
    [policy] = random.choices(list(_POLICIES), weights=list(_POLICIES.values()))
    age = random.randint(65, 90) if policy == "SENIOR-CARE" else random.randint(6, 64)
    return Member(member_id=f"M{seed}-{number:07d}", policy_id=policy, age=age)


@lru_cache(maxsize=64)
def _deal(seed: int, block: int) -> tuple[int, ...]:
    """For each claim of a block the member, numbered within the block."""
    random = Random(f"block {seed} {block}")
    owners: list[int] = []
    while len(owners) < BLOCK:
        claims = random.choices((1, 2, 3, 4), weights=(40, 30, 20, 10))[0]
        owners += [len(set(owners))] * claims
    owners = owners[:BLOCK]
    random.shuffle(owners)
    return tuple(owners)


def provider_npi(*, category_number: int, random: Random) -> str:
    """One of a category's providers. Real numbers begin with 1 or 2, so that these are nobody's."""
    return f"9{category_number:06d}{random.randrange(_PROVIDERS_A_CATEGORY):03d}"
