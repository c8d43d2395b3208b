"""Local users and their sessions.

Passwords are kept as argon2 hashes, session tokens as sha256. Nobody learns who works here: an
unknown name is refused like a wrong password.
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

from services.review_queue.people import audit
from services.review_queue.people.passwords import Passwords, refuse_short
from services.review_queue.people.sign_in_attempts import (
    address_key,
    count_attempt,
    forget_attempt,
    name_key,
    prune_attempts,
)
from shared.auth.permissions import USER_ROLES
from shared.auth.principal import Actor, Principal
from shared.errors import Conflict, Rejected, TooManyAttempts, Unauthenticated
from shared.storage.database import Database

SESSION_PREFIX = "session-"
_BOOTSTRAP = Actor("bootstrap", "operator", "settings")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")
_INSERT_USER = """
INSERT INTO review_queue.users (name, role, password_hash, created_by)
VALUES ($1, $2, $3, $4) ON CONFLICT (name) DO NOTHING
"""
_CHANGE_USER = """
UPDATE review_queue.users
SET active = coalesce($2, active), password_hash = coalesce($3, password_hash) WHERE name = $1
"""
# Locked, so that no session is opened beside a change that ends them all.
_MAY_SIGN_IN = """
SELECT true FROM review_queue.users WHERE name = $1 AND password_hash = $2 AND active FOR SHARE
"""
_OPEN_SESSION = """
INSERT INTO review_queue.sessions (token_sha256, name, expires_at)
VALUES ($1, $2, now() + $3::interval) RETURNING expires_at
"""
_SESSION_OWNER = """
SELECT name, role FROM review_queue.sessions JOIN review_queue.users USING (name)
WHERE token_sha256 = $1 AND expires_at > now() AND active
"""


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


def parse_users(text: str) -> list[User]:
    """The users of `name:role:password,…`."""
    entries = [entry.strip().split(":", 2) for entry in text.split(",") if entry.strip()]
    if any(len(entry) != 3 for entry in entries):
        raise ValueError("REVIEW_QUEUE_BOOTSTRAP_USERS: every entry is name:role:password")
    return [User(normalize_name(name), role, password) for name, role, password in entries]


def normalize_name(name: str) -> str:
    """Names differ in more than case."""
    return name.strip().lower()


class Accounts:
    """`reserved`: names of API tokens, which no user may have, so that a name means one of both."""

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
        self.passwords = Passwords()

    async def create(self, user: User, *, by: Actor) -> None:
        """`Conflict` if the name is taken."""
        if not await self._add(user, by=by):
            raise Conflict(f"there is a user {user.name} already", field="name")

    async def create_missing(self, users: Sequence[User]) -> None:
        """Create those that do not exist yet; the others keep their passwords."""
        known = {row["name"] for row in await self.users()}
        for user in users:
            if user.name not in known:
                await self._add(user, by=_BOOTSTRAP)

    async def _add(self, user: User, *, by: Actor) -> bool:
        if user.name in self.reserved:
            raise Conflict(f"an API token has the name {user.name}", field="name")
        password_hash = await self.passwords.hash(user.password)
        async with self.database.transaction() as connection:
            status = await connection.execute(
                _INSERT_USER, user.name, user.role, password_hash, by.name
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
        """Disable or enable a user, or set a new password. False if there is none.

        Whoever is disabled or has a new password is signed out; their leases run out by themselves.
        """
        _check_change(name, active=active, password=password, by=by)
        password_hash = None if password is None else await self.passwords.hash(password)
        async with self.database.transaction() as connection:
            status = await connection.execute(_CHANGE_USER, name, active, password_hash)
            if status != "UPDATE 1":
                return False
            if active is False or password is not None:
                await connection.execute("DELETE FROM review_queue.sessions WHERE name = $1", name)
            changes: dict[str, Any] = {} if active is None else {"active": active}
            if password is not None:
                changes["password"] = "new"  # noqa: S105
            await audit.record(connection, by, "user_changed", user=name, **changes)
        return True

    async def sign_in(self, name: str, password: str, *, address: str) -> Session:
        """A new session; `WrongPassword` or `LockedOut` otherwise."""
        name = normalize_name(name)
        if not _NAME.fullmatch(name):
            raise WrongPassword("name or password is wrong")
        await self._count_attempt(address_key(address), self.limits.failures_of_address)
        await self._count_attempt(name_key(name), self.limits.failures)
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(
                "SELECT role, password_hash FROM review_queue.users WHERE name = $1", name
            )
        matches = await self.passwords.matches(password, row["password_hash"] if row else None)
        # An unknown name may be a password that was typed in the wrong field: it is kept nowhere.
        actor = Actor(name, row["role"], address) if row else Actor("unknown", "nobody", address)
        session = await self._open_session(actor, row["password_hash"]) if row and matches else None
        if session is None:
            async with self.database.transaction() as connection:
                await audit.record(connection, actor, "sign_in_failed")
            raise WrongPassword("name or password is wrong")
        return session

    async def _count_attempt(self, key: str, allowed: int) -> None:
        async with self.database.transaction() as connection:
            within_limit = await count_attempt(
                connection, key, allowed=allowed, within=self.limits.lockout
            )
        if not within_limit:
            raise LockedOut("too many failed attempts; try again in a few minutes")

    async def _open_session(self, actor: Actor, password_hash: str) -> Session | None:
        """None if the user was disabled or got a new password while the old one was checked."""
        token = SESSION_PREFIX + self.new_token()
        async with self.database.transaction() as connection:
            if not await connection.fetchval(_MAY_SIGN_IN, actor.name, password_hash):
                return None
            await forget_attempt(connection, name=actor.name, address=actor.address)
            expires_at = await connection.fetchval(
                _OPEN_SESSION, _digest(token), actor.name, self.limits.session
            )
            await audit.record(connection, actor, "signed_in")
        return Session(token, Principal(actor.name, actor.role), expires_at)

    async def principal(self, token: str) -> Principal | None:
        """Whose session this is, if it is still open."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(_SESSION_OWNER, _digest(token))
        return Principal(row["name"], row["role"]) if row else None

    async def sign_out(self, token: str, *, by: Actor) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(
                "DELETE FROM review_queue.sessions WHERE token_sha256 = $1", _digest(token)
            )
            await audit.record(connection, by, "signed_out")

    async def prune(self) -> None:
        """Once a minute, forever, forget sessions that are over and failures out of date."""
        while True:
            async with self.database.transaction() as connection:
                await connection.execute(
                    "DELETE FROM review_queue.sessions WHERE expires_at < now()"
                )
                await prune_attempts(connection, within=self.limits.lockout)
            await asyncio.sleep(60)


def _check_change(name: str, *, active: bool | None, password: str | None, by: Actor) -> None:
    if active is None and password is None:
        raise Rejected("give it, or password", field="active")
    if active is False and name == by.name:
        raise Conflict("you cannot disable yourself", field="active")
    if password is not None:
        refuse_short(password)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
