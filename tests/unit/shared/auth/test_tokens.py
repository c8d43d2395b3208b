"""Tokens are read strictly from the settings, and only a whole one of them is recognized."""

import pytest
from fastapi import Request

from shared.auth.principal import Machine
from shared.auth.tokens import ApiTokens
from shared.settings import ServiceSettings

TWO = "ops:observe+operate:operator-token-12345, claims:submit:with:colons:in:it-1"


def parse(text: str) -> ApiTokens:
    return ApiTokens.parse(ServiceSettings.model_validate({"port": 1, "API_TOKENS": text}))


def request(authorization: str) -> Request:
    headers = [(b"authorization", authorization.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


@pytest.mark.parametrize(
    ("authorization", "machine"),
    [
        ("Bearer operator-token-12345", Machine("ops", ("observe", "operate"), "unknown")),
        ("bearer with:colons:in:it-1", Machine("claims", ("submit",), "unknown")),
        ("Bearer operator-token-1234", None),
        ("Bearer operator-token-123456", None),
        ("Bearer", None),
        ("Basic operator-token-12345", None),
        ("operator-token-12345", None),
    ],
)
async def test_only_a_whole_token_is_recognized(
    authorization: str, machine: Machine | None
) -> None:
    assert await parse(TWO).identify(request(authorization)) == machine


@pytest.mark.parametrize(
    "entry",
    [
        "ops",
        "ops:operate:too-short",
        "ops:king:operator-token-12345",
        "ops::operator-token-12345",
        "ops:operator:operator-token-12345",
    ],
)
def test_an_entry_that_means_nothing_is_refused_without_its_token(entry: str) -> None:
    with pytest.raises(ValueError, match="entry 2 must be name:scope") as refused:
        parse(f"{TWO.split(',')[0]},{entry}")

    assert entry.split(":")[-1] not in str(refused.value)


def test_no_tokens_are_none() -> None:
    assert parse(" , ").known == ()
