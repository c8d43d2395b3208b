"""Passwords: which are refused, and their argon2 hashes.

Whether a user exists cannot be told by how long checking takes. What is refused follows NIST
SP 800-63B: length, common passwords and one's own name, and no rules on kinds of characters.
"""

import asyncio
import re
import secrets
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from shared.errors import Rejected

MINIMUM_PASSWORD = 12
_FEW_CHARACTERS = 5
_COMMON = frozenset((Path(__file__).parent / "common_passwords.txt").read_text().split())
_ROWS = ("abcdefghijklmnopqrstuvwxyz", "0123456789", "qwertyuiopasdfghjklzxcvbnm", "1qaz2wsx3edc")
_ORDERED = tuple(2 * row for row in (*_ROWS, *(row[::-1] for row in _ROWS)))
_AS_LETTERS = str.maketrans("0134578@$!", "oieastbasi")
_SURROUNDINGS = re.compile(r"^[^a-z]+|[^a-z]+$")
# 19 MiB and two passes, as OWASP recommends; two at a time, so that memory stays bounded.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_HASHES_AT_A_TIME = 2


def one_time_password() -> str:
    """Nobody's choice, and good for one sign-in."""
    return secrets.token_urlsafe(15)


def check_password(password: str, *, name: str) -> None:
    """`Rejected` if it is too short, or among the first that somebody would try."""
    if len(password) < MINIMUM_PASSWORD:
        raise Rejected(f"needs at least {MINIMUM_PASSWORD} characters", field="password")
    lower = password.casefold()
    if name.casefold() in lower.strip() and len(lower) - len(name) < MINIMUM_PASSWORD:
        raise Rejected("must be more than your name", field="password")
    if _is_common(lower):
        raise Rejected(
            "is among the first that others would try; take several unrelated words",
            field="password",
        )


def _is_common(password: str) -> bool:
    """A known word with digits around it, one written in digits, a pattern, or a row of keys."""
    unit = _repeated_unit(password)
    word = _SURROUNDINGS.sub("", unit)
    return (
        len(set(password)) < _FEW_CHARACTERS
        or password.isdigit()
        or any(password in row for row in _ORDERED)
        or any(unit in row for row in _ORDERED if len(unit) < len(password))
        or not _COMMON.isdisjoint({word, word.translate(_AS_LETTERS)})
    )


def _repeated_unit(text: str) -> str:
    """What the text repeats, itself if it repeats nothing."""
    return text[: (text + text).find(text, 1)]


class Passwords:
    def __init__(self) -> None:
        self._hashing = asyncio.Semaphore(_HASHES_AT_A_TIME)
        # Compared with where there is no user, so that it takes as long as a wrong password.
        self._hash_of_nobody = _HASHER.hash(secrets.token_urlsafe())

    async def hash(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def matches(self, password: str, password_hash: str | None) -> bool:
        """False where there is no hash, after the same time."""
        async with self._hashing:
            try:
                return await asyncio.to_thread(
                    _HASHER.verify, password_hash or self._hash_of_nobody, password
                )
            except VerificationError:
                return False
