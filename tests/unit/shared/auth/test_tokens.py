"""Tokens are read strictly from the settings, and only a whole one of them is recognized."""

import pytest
from fastapi import Request

from shared.auth.principal import Principal
from shared.auth.tokens import ApiTokens
from shared.settings import ServiceSettings

TWO = "olga:operator:operator-token-12345, claims:service:with:colons:in:it-1"


def parse(text: str) -> ApiTokens:
    return ApiTokens.parse(ServiceSettings.model_validate({"port": 1, "API_TOKENS": text}))


def request(authorization: str) -> Request:
    headers = [(b"authorization", authorization.encode())]
    return Request({"type": "http", "method": "GET", "path": "/", "headers": headers})


@pytest.mark.parametrize(
    ("authorization", "principal"),
    [
        ("Bearer operator-token-12345", Principal("olga", "operator")),
        ("bearer with:colons:in:it-1", Principal("claims", "service")),
        ("Bearer operator-token-1234", None),
        ("Bearer operator-token-123456", None),
        ("Bearer", None),
        ("Basic operator-token-12345", None),
        ("operator-token-12345", None),
    ],
)
async def test_only_a_whole_token_is_recognized(
    authorization: str, principal: Principal | None
) -> None:
    assert await parse(TWO).identify(request(authorization)) == principal


@pytest.mark.parametrize(
    "entry", ["olga", "olga:operator:too-short", "olga:king:operator-token-12345"]
)
def test_an_entry_that_means_nothing_is_refused_without_its_token(entry: str) -> None:
    with pytest.raises(ValueError, match="entry 2 must be name:role:token") as refused:
        parse(f"{TWO.split(',')[0]},{entry}")

    assert entry.split(":")[-1] not in str(refused.value)


def test_no_tokens_are_none() -> None:
    assert parse(" , ").known == ()
