"""Random draws that can be replayed, and that nobody outside can foresee: by a keyed hash of an id.

Whoever knew a draw beforehand could choose ids that are never audited.
"""

import hmac
from dataclasses import dataclass, field
from typing import Annotated, Self

from pydantic import AfterValidator, SecretStr

_SCALE = float(1 << 64)
_SHORTEST = 32  # characters of a secret
_FEWEST = 8  # different ones: a placeholder repeats itself
_FORM = "must be `version:secret`, the secret as `openssl rand -hex 32` prints it"


@dataclass(frozen=True)
class DrawKey:
    """The secret that draws go by. Its version is recorded with each draw."""

    version: str
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The key from `version:secret`; `ValueError` if that is missing or no secret."""
        version, _, secret = text.strip().partition(":")
        if not version or len(secret) < _SHORTEST or len(set(secret)) < _FEWEST:
            raise ValueError(_FORM)
        return cls(version, secret.encode())

    def draw(self, purpose: str, *ids: str) -> float:
        """A number in [0, 1), uniform over `ids`, and always the same for the same ones.

        Draws for two purposes have nothing to do with each other.
        """
        message = "\x1f".join((purpose, *ids)).encode()
        return int.from_bytes(hmac.digest(self.secret, message, "sha256")[:8], "big") / _SCALE


def _is_key(text: SecretStr) -> SecretStr:
    DrawKey.parse(text.get_secret_value())
    return text


DrawKeyText = Annotated[SecretStr, AfterValidator(_is_key)]  # of a setting
