"""Shares are read strictly, and a group's draw depends on nothing but the group."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dataset_accumulator.splits import read_shares, split_of
from shared.errors import Rejected
from shared.sampling import DrawKey
from shared.storage.datasets import SPLITS
from tests.support.draw_key import KEY


@pytest.mark.parametrize("text", ["train=0.8, test=0.2", '{"train": 0.8, "test": 0.2}'])
def test_shares_are_read_from_words_or_json(text: str) -> None:
    assert read_shares(text) == {
        "train": 0.8,
        "validation": 0.0,
        "calibration": 0.0,
        "certification": 0.0,
        "test": 0.2,
    }


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("train=0.8,test=0.3", "make 1.1"),
        ("train=1.5,test=-0.5", "between 0 and 1"),
        ("train=1,holdout=0", "no split 'holdout'"),
        ("train", "cannot be read"),
        ("train=much", "cannot be read"),
        ('{"train": [1]}', "cannot be read"),
        ("{train}", "cannot be read"),
        ("train=nan", "between 0 and 1"),
    ],
)
def test_bad_shares_are_refused_with_the_reason(text: str, why: str) -> None:
    with pytest.raises(Rejected, match=why) as refused:
        read_shares(text)

    assert refused.value.field == "splits"


def test_groups_fall_into_splits_by_their_shares() -> None:
    shares = read_shares("train=0.6,validation=0.1,calibration=0.1,certification=0.05,test=0.15")

    found = Counter(
        split_of(f"member:{number}", task="adjudication", key=KEY, shares=shares)
        for number in range(20_000)
    )

    # Four standard deviations of a share of one half over 20,000 draws are 1.4 %.
    assert all(abs(found[split] / 20_000 - shares[split]) < 0.014 for split in SPLITS)


def test_another_key_draws_other_splits() -> None:
    shares = read_shares("train=0.5,test=0.5")
    draws = [
        tuple(
            split_of(f"member:{number}", task="adjudication", key=key, shares=shares)
            for number in range(50)
        )
        for key in (KEY, KEY, DrawKey("2", b"another"))
    ]

    assert draws[0] == draws[1] != draws[2]


@given(group=st.text(min_size=1), split=st.sampled_from(SPLITS))
def test_a_split_with_all_shares_gets_every_group(group: str, split: str) -> None:
    shares = read_shares(f"{split}=1")

    assert split_of(group, task="adjudication", key=KEY, shares=shares) == split
