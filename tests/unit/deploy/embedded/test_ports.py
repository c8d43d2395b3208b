"""Ports: fixed offsets, the default base while it is free, another whole block otherwise."""

import secrets

import pytest

from deploy.embedded.ports import OFFSETS, claimed_base, free_base
from shared.services import SERVICES
from tests.support.engines.lifecycle import occupied


def test_no_two_listeners_share_a_port_and_blocks_do_not_overlap() -> None:
    assert len(set(OFFSETS.values())) == len(OFFSETS)
    assert max(OFFSETS.values()) < 30
    assert set(SERVICES) < set(OFFSETS)


def test_wanted_base_is_taken_while_free() -> None:
    free = free_base(None)
    assert free_base(free) == free


def test_what_one_has_claimed_no_other_is_given() -> None:
    with claimed_base(None) as mine, claimed_base(mine) as other:
        assert mine != other
    with claimed_base(mine) as again:
        assert again == mine


def test_another_block_is_drawn_when_one_port_is_taken() -> None:
    taken = free_base(None)
    draws = iter([(taken - 10_000) // 30])
    with occupied(taken + OFFSETS["filer_grpc"]):
        found = free_base(taken, draw=lambda n: next(draws, None) or secrets.randbelow(n))
        assert found != taken
    assert next(draws, None) is None


def test_says_so_when_nothing_is_free() -> None:
    taken = free_base(None)
    with occupied(taken + 1), pytest.raises(OSError, match="no block of"):
        free_base(taken, draw=lambda _: (taken - 10_000) // 30)
