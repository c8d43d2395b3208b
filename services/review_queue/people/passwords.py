"""Passwords as argon2 hashes: whether a user exists cannot be told by how long checking takes."""

import asyncio
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from shared.errors import Rejected

MINIMUM_PASSWORD = 10
# 19 MiB and two passes, as OWASP recommends; two at a time, so that memory stays bounded.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_HASHES_AT_A_TIME = 2


def refuse_short(password: str) -> None:
    if len(password) < MINIMUM_PASSWORD:
        raise Rejected(f"needs at least {MINIMUM_PASSWORD} characters", field="password")


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
