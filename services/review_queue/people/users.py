"""Local users and their sessions.

Passwords are kept as argon2 hashes, session tokens as sha256. Attempts are counted before a
password is looked at, by name, whether or not the name exists, and by address: nobody guesses in
parallel, and nobody learns who works here.
"""

import asyncio
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
from argon2 import PasswordHasher
from argon2.exceptions import VerificationError

from services.review_queue.people import audit
from shared.auth.permissions import USER_ROLES
from shared.auth.principal import Actor, Principal
from shared.errors import Conflict, Rejected, TooManyAttempts, Unauthenticated
from shared.storage.database import Database

SESSION_PREFIX = "session-"
MINIMUM_PASSWORD = 10
_BOOTSTRAP = Actor("bootstrap", "operator", "settings")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
# 19 MiB and two passes, as OWASP recommends; two at a time, so that memory stays bounded.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_HASHES_AT_A_TIME = 2
_COUNT_ATTEMPT = """
INSERT INTO review_queue.sign_in_failures AS f VALUES ($1, 1, now())
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN f.since < now() - $2::interval THEN 1 ELSE f.failures + 1 END,
    since = CASE WHEN f.since < now() - $2::interval THEN now() ELSE f.since END
WHERE f.failures < $3 OR f.since < now() - $2::interval RETURNING failures
"""
# Locked, so that no session is opened beside a shut-out that ends them all.
_MAY_ENTER = """
SELECT true FROM review_queue.users WHERE name = $1 AND password_hash = $2 AND active FOR SHARE
"""
_FORGET_FAILURES = "DELETE FROM review_queue.sign_in_failures WHERE key = $1"
# Not all of them: who can sign in himself could guess the others' passwords for ever.
_TAKE_BACK = "UPDATE review_queue.sign_in_failures SET failures = failures - 1 WHERE key = $1"


class WrongPassword(Unauthenticated):
    """Name and password do not belong together."""


class LockedOut(TooManyAttempts):
    """Too many failures in a row."""


@dataclass(frozen=True)
class User:
    name: str
    role: str
    password: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise Rejected("letters, digits and . _ @ - only, at most 64", field="name")
        if self.role not in USER_ROLES:
            raise Rejected(f"must be one of {', '.join(USER_ROLES)}", field="role")
        refuse_short(self.password)


@dataclass(frozen=True)
class Session:
    """A signed-in user. Whoever has the token is that user until `expires_at`."""

    token: str
    principal: Principal
    expires_at: datetime


@dataclass(frozen=True)
class SignInLimits:
    session: timedelta
    failures: int  # of a name, within `lockout`; then it is locked until that is over
    failures_of_address: int  # of all names
    lockout: timedelta


def refuse_short(password: str) -> None:
    if len(password) < MINIMUM_PASSWORD:
        raise Rejected(f"needs at least {MINIMUM_PASSWORD} characters", field="password")


def parse_users(text: str) -> list[User]:
    """The users of `name:role:password,…`."""
    entries = [entry.strip().split(":", 2) for entry in text.split(",") if entry.strip()]
    if any(len(entry) != 3 for entry in entries):
        raise ValueError("REVIEW_QUEUE_BOOTSTRAP_USERS: every entry is name:role:password")
    return [User(normal(name), role, password) for name, role, password in entries]


def normal(name: str) -> str:
    """Names differ in more than case."""
    return name.strip().lower()


class Accounts:
    """`reserved`: names of API tokens, which no user may have, so that "who" means one."""

    def __init__(
        self,
        database: Database,
        limits: SignInLimits,
        *,
        reserved: frozenset[str] = frozenset(),
        new_token: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        self.database = database
        self.limits = limits
        self.reserved = reserved
        self.new_token = new_token
        self._hashing = asyncio.Semaphore(_HASHES_AT_A_TIME)
        # Compared with when the name is unknown, so that it takes as long as a wrong password.
        self._nobody = _HASHER.hash(new_token())

    async def create(self, user: User, *, by: Actor) -> None:
        """`Conflict` if the name is taken."""
        if not await self._add(user, by=by):
            raise Conflict(f"there is a user {user.name} already", field="name")

    async def create_missing(self, users: Sequence[User]) -> None:
        """Create those that do not exist yet; the others keep their passwords."""
        async with self.database.transaction() as connection:
            rows = await connection.fetch("SELECT name FROM review_queue.users")
        known = {row["name"] for row in rows}
        for user in users:
            if user.name not in known:
                await self._add(user, by=_BOOTSTRAP)

    async def _add(self, user: User, *, by: Actor) -> bool:
        if user.name in self.reserved:
            raise Conflict(f"an API token has the name {user.name}", field="name")
        password_hash = await self._hashed(user.password)
        async with self.database.transaction() as connection:
            status = await connection.execute(
                "INSERT INTO review_queue.users (name, role, password_hash, created_by) "
                "VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING",
                user.name,
                user.role,
                password_hash,
                by.name,
            )
            added = bool(status == "INSERT 0 1")
            if added:
                await audit.record(connection, by, "user_created", user=user.name, as_=user.role)
        return added

    async def users(self) -> Sequence[asyncpg.Record]:
        """Name, role and `active` of all, by name."""
        async with self.database.transaction() as connection:
            return await connection.fetch(
                "SELECT name, role, active FROM review_queue.users ORDER BY name"
            )

    async def change(
        self, name: str, *, active: bool | None = None, password: str | None = None, by: Actor
    ) -> bool:
        """Shut a user out or let him in again, or set a new password. False if there is none.

        Who is shut out or has a new password is signed out; his leases run out by themselves.
        """
        if active is None and password is None:
            raise Rejected("give it, or password", field="active")
        if active is False and name == by.name:
            raise Conflict("nobody shuts himself out", field="active")
        if password is not None:
            refuse_short(password)
        password_hash = None if password is None else await self._hashed(password)
        changed = {"active": active, "password": "new" if password else None}
        async with self.database.transaction() as connection:
            status = await connection.execute(
                "UPDATE review_queue.users SET active = coalesce($2, active), "
                "password_hash = coalesce($3, password_hash) WHERE name = $1",
                name,
                active,
                password_hash,
            )
            if status != "UPDATE 1":
                return False
            if active is False or password is not None:
                await connection.execute("DELETE FROM review_queue.sessions WHERE name = $1", name)
            told: dict[str, Any] = {k: v for k, v in changed.items() if v is not None}
            await audit.record(connection, by, "user_changed", user=name, **told)
        return True

    async def _hashed(self, password: str) -> str:
        async with self._hashing:
            return await asyncio.to_thread(_HASHER.hash, password)

    async def sign_in(self, name: str, password: str, *, address: str) -> Session:
        """A new session; `WrongPassword` or `LockedOut` otherwise."""
        name = normal(name)
        if not _NAME.fullmatch(name):
            raise WrongPassword("name or password is wrong")
        await self._count_attempt(f"address {address}", self.limits.failures_of_address)
        await self._count_attempt(_key(name), self.limits.failures)
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT role, password_hash FROM review_queue.users WHERE name = $1", name
            )
        right = await self._matches(row["password_hash"] if row else self._nobody, password)
        # Who is unknown may have typed his password as name: it is kept nowhere.
        actor = Actor(name, row["role"], address) if row else Actor("unknown", "nobody", address)
        session = await self._open(actor, row["password_hash"]) if row and right else None
        if session is None:
            async with self.database.transaction() as connection:
                await audit.record(connection, actor, "sign_in_failed")
            raise WrongPassword("name or password is wrong")
        return session

    async def _count_attempt(self, key: str, allowed: int) -> None:
        """Count it as failed until it succeeds; old failures are forgotten."""
        async with self.database.transaction() as connection:
            failures = await connection.fetchval(_COUNT_ATTEMPT, key, self.limits.lockout, allowed)
        if failures is None:
            raise LockedOut("too many failed attempts; try again in a few minutes")

    async def _matches(self, password_hash: str, password: str) -> bool:
        async with self._hashing:
            try:
                return await asyncio.to_thread(_HASHER.verify, password_hash, password)
            except VerificationError:
                return False

    async def _open(self, actor: Actor, password_hash: str) -> Session | None:
        """None if the user is shut out, or had his password changed while it was looked at."""
        token = SESSION_PREFIX + self.new_token()
        async with self.database.transaction() as connection:
            if not await connection.fetchval(_MAY_ENTER, actor.name, password_hash):
                return None
            await connection.execute(_FORGET_FAILURES, _key(actor.name))
            await connection.execute(_TAKE_BACK, f"address {actor.address}")
            expires_at = await connection.fetchval(
                "INSERT INTO review_queue.sessions (token_sha256, name, expires_at) "
                "VALUES ($1, $2, now() + $3::interval) RETURNING expires_at",
                _digest(token),
                actor.name,
                self.limits.session,
            )
            await audit.record(connection, actor, "signed_in")
        return Session(token, Principal(actor.name, actor.role), expires_at)

    async def principal(self, token: str) -> Principal | None:
        """Who has this session, if it is still open."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT name, role FROM review_queue.sessions JOIN review_queue.users "
                "USING (name) WHERE token_sha256 = $1 AND expires_at > now() AND active",
                _digest(token),
            )
        return Principal(row["name"], row["role"]) if row else None

    async def sign_out(self, token: str, *, by: Actor) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                "DELETE FROM review_queue.sessions WHERE token_sha256 = $1", _digest(token)
            )
            await audit.record(connection, by, "signed_out")

    async def prune(self) -> None:
        """Once a minute for ever, forget sessions that are over and failures out of date."""
        while True:
            async with self.database.transaction() as connection:
                await connection.execute(
                    "DELETE FROM review_queue.sessions WHERE expires_at < now()"
                )
                await connection.execute(
                    "DELETE FROM review_queue.sign_in_failures WHERE since < now() - $1::interval",
                    self.limits.lockout,
                )
            await asyncio.sleep(60)


def _key(name: str) -> str:
    return f"name {hashlib.sha256(name.encode()).hexdigest()}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
