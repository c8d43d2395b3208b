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

import asyncpg

from services.review_queue.people import account_statements as sql
from services.review_queue.people import audit
from services.review_queue.people.passwords import Passwords, check_password, one_time_password
from services.review_queue.people.sign_in_attempts import (
    address_key,
    count_attempt,
    forget_attempt,
    name_key,
    prune_attempts,
)
from shared.auth.permissions import ROLES
from shared.auth.principal import Person
from shared.auth.sessions import SESSION_PREFIX
from shared.errors import Conflict, NotFound, Rejected, TooManyAttempts, Unauthenticated
from shared.storage.database import Database

_BOOTSTRAP = Person("bootstrap", "operator", "settings")
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class WrongPassword(Unauthenticated):
    """Name and password do not belong together."""


class LockedOut(TooManyAttempts):
    """Too many failures in a row."""


@dataclass(frozen=True)
class User:
    """Somebody who may sign in. `simulated`: a script, whose opinions are marked as such."""

    name: str
    role: str
    password: str
    simulated: bool = False

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise Rejected("letters, digits and . _ @ - only, at most 64", field="name")
        if self.role not in ROLES:
            raise Rejected(f"must be one of {', '.join(ROLES)}", field="role")
        check_password(self.password, name=self.name)


@dataclass(frozen=True)
class Session:
    """A signed-in user. Whoever has the token is that user until `expires_at`."""

    token: str
    person: Person
    expires_at: datetime


@dataclass(frozen=True)
class PasswordOrigin:
    """Who made a one-time password, and when."""

    by: str
    at: datetime


@dataclass(frozen=True)
class SignInLimits:
    session: timedelta
    failures: int  # of a name, within `lockout`; then it is locked until that is over
    failures_of_address: int  # of all names
    lockout: timedelta


def parse_users(text: str, *, setting: str, simulated: bool = False) -> list[User]:
    """The users of `name:role:password,…`."""
    entries = [entry.strip().split(":", 2) for entry in text.split(",") if entry.strip()]
    if any(len(entry) != 3 for entry in entries):
        raise ValueError(f"{setting}: every entry is name:role:password")
    return [
        User(normalize_name(name), role, password, simulated) for name, role, password in entries
    ]


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

    async def create(self, name: str, role: str, *, by: Person) -> str:
        """A new user's one-time password; `Conflict` if the name is taken."""
        user = User(normalize_name(name), role, one_time_password())
        if not await self._add(user, by=by, password_set_by=by.name):
            raise Conflict(f"there is a user {user.name} already", field="name")
        return user.password

    async def create_missing(self, users: Sequence[User]) -> None:
        """Create those that do not exist yet, with their own passwords; the others keep theirs."""
        known = {row["name"] for row in await self.users()}
        for user in users:
            if user.name not in known:
                await self._add(user, by=_BOOTSTRAP, password_set_by=None)

    async def _add(self, user: User, *, by: Person, password_set_by: str | None) -> bool:
        if user.name in self.reserved:
            raise Conflict(f"an API token has the name {user.name}", field="name")
        row = (user.name, user.role, await self.passwords.hash(user.password), by.name)
        async with self.database.transaction() as connection:
            status = await connection.execute(
                sql.INSERT_USER, *row, user.simulated, password_set_by
            )
            added = bool(status == "INSERT 0 1")
            if added:
                await audit.record(connection, by, "user_created", user=user.name, as_=user.role)
        return added

    async def users(self) -> Sequence[asyncpg.Record]:
        """Everybody who could ever sign in, by name."""
        async with self.database.transaction() as connection:
            return await connection.fetch(sql.LIST_USERS)

    async def set_active(self, name: str, *, active: bool, by: Person) -> None:
        """Disable or enable a user. Who is disabled is signed out; their leases run out."""
        if not active and name == by.name:
            raise Conflict("you cannot disable yourself", field="active")
        async with self.database.transaction() as connection:
            _expect_one(await connection.execute(sql.SET_ACTIVE, name, active))
            if not active:
                await connection.execute(sql.END_SESSIONS, name, b"")
            await audit.record(connection, by, "user_changed", user=name, active=active)

    async def reset_password(self, name: str, *, by: Person) -> str:
        """A one-time password, after which all sessions of the user are over."""
        password = one_time_password()
        password_hash = await self.passwords.hash(password)
        async with self.database.transaction() as connection:
            _expect_one(await connection.execute(sql.SET_BY_OPERATOR, name, password_hash, by.name))
            await connection.execute(sql.END_SESSIONS, name, b"")
            await audit.record(connection, by, "password_reset", user=name)
        return password

    async def password_origin(self, name: str) -> PasswordOrigin | None:
        """Who made the user's password, if it was somebody else."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(sql.ORIGIN, name)
        if row is None or row["password_set_by"] is None:
            return None
        return PasswordOrigin(row["password_set_by"], row["password_set_at"])

    async def change_password(self, token: str, current: str, new: str, *, by: Person) -> None:
        """One's own password; of one's sessions, only the one of `token` stays open."""
        check_password(new, name=by.name)
        if new == current:
            raise Rejected("is the one that you have", field="password")
        old_hash = await self._check_credentials(by.name, current, address=by.address)
        if old_hash is None:
            raise Rejected("is not your password", field="current")
        new_hash = await self.passwords.hash(new)
        async with self.database.transaction() as connection:
            status = await connection.execute(sql.SET_BY_OWNER, by.name, old_hash, new_hash)
            if status != "UPDATE 1":
                raise Conflict("somebody has set another password meanwhile; sign in with that")
            await forget_attempt(connection, name=by.name, address=by.address)
            await connection.execute(sql.END_SESSIONS, by.name, _digest(token))
            await audit.record(connection, by, "password_changed")

    async def sign_in(self, name: str, password: str, *, address: str) -> Session:
        """A new session; `WrongPassword` or `LockedOut` otherwise."""
        name = normalize_name(name)
        if not _NAME.fullmatch(name):
            raise WrongPassword("name or password is wrong")
        password_hash = await self._check_credentials(name, password, address=address)
        session = await self._open_session(name, password_hash, address) if password_hash else None
        if session is None:
            await self._record_failure(name, address)
            raise WrongPassword("name or password is wrong")
        return session

    async def _check_credentials(self, name: str, password: str, *, address: str) -> str | None:
        """The hash that the password has, if it is the user's; counted as an attempt."""
        await self._count_attempt(address_key(address), self.limits.failures_of_address)
        await self._count_attempt(name_key(name), self.limits.failures)
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(sql.CREDENTIALS, name)
        password_hash: str | None = row["password_hash"] if row else None
        matches = await self.passwords.matches(password, password_hash)
        return password_hash if matches else None

    async def _record_failure(self, name: str, address: str) -> None:
        """An unknown name may be a password that was typed in the wrong field: kept nowhere."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(sql.CREDENTIALS, name)
            known = Person(name, row["role"], address) if row else None
            actor = known or Person("unknown", "nobody", address)
            await audit.record(connection, actor, "sign_in_failed")

    async def _count_attempt(self, key: str, allowed: int) -> None:
        async with self.database.transaction() as connection:
            within_limit = await count_attempt(
                connection, key, allowed=allowed, within=self.limits.lockout
            )
        if not within_limit:
            raise LockedOut("too many failed attempts; try again in a few minutes")

    async def _open_session(self, name: str, password_hash: str, address: str) -> Session | None:
        """None if the user was disabled or got a new password while the old one was checked."""
        token = SESSION_PREFIX + self.new_token()
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(sql.MAY_SIGN_IN, name, password_hash)
            if row is None:
                return None
            person = Person(name, row["role"], address, row["one_time_password"])
            await forget_attempt(connection, name=name, address=address)
            expires_at = await connection.fetchval(
                sql.OPEN_SESSION, _digest(token), name, self.limits.session
            )
            await audit.record(
                connection, person, "signed_in", one_time_password=person.one_time_password
            )
        return Session(token, person, expires_at)

    async def session(self, token: str, *, address: str) -> Session | None:
        """The session of a token, if it is still open."""
        async with self.database.transaction() as connection:
            row = await connection.fetchrow(sql.SESSION_OWNER, _digest(token))
        if row is None:
            return None
        person = Person(row["name"], row["role"], address, row["one_time_password"])
        return Session(token, person, row["expires_at"])

    async def sign_out(self, token: str, *, by: Person) -> None:
        async with self.database.transaction() as connection:
            await connection.execute(sql.END_SESSION, _digest(token))
            await audit.record(connection, by, "signed_out")

    async def prune(self) -> None:
        """Once a minute, forever, forget sessions that are over and failures out of date."""
        while True:
            async with self.database.transaction() as connection:
                await connection.execute(sql.FORGET_SESSIONS)
                await prune_attempts(connection, within=self.limits.lockout)
            await asyncio.sleep(60)


def _expect_one(status: str) -> None:
    """`NotFound` if a statement about a user changed none."""
    if status != "UPDATE 1":
        raise NotFound("no such user")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
