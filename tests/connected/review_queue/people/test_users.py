import asyncio

import pytest

from services.review_queue.people.users import Accounts, LockedOut, Session, User, WrongPassword
from shared.auth.principal import Person
from shared.errors import Conflict
from tests.connected.review_queue.harness import ADDRESS, HOUR, Queue, accounts, actor

AMARA = User("amara", "adjudicator", "a-long-password")


async def test_a_user_signs_in_and_out(queue: Queue) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])

    session = await users.sign_in(" Amara ", "a-long-password", address=ADDRESS)

    found = await users.session(session.token, address=ADDRESS)
    assert found is not None
    assert found.person == Person("amara", "adjudicator", ADDRESS)
    await users.sign_out(session.token, by=actor())
    assert await users.session(session.token, address=ADDRESS) is None


async def test_neither_password_nor_token_stand_in_the_database(queue: Queue) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])
    session = await users.sign_in("amara", "a-long-password", address=ADDRESS)

    rows = str(await queue.fetch("SELECT * FROM review_queue.users, review_queue.sessions"))

    assert "$argon2id$" in rows
    assert "a-long-password" not in rows
    assert session.token not in rows
    assert session.token.removeprefix("session-") not in rows


async def test_a_session_ends_by_itself(queue: Queue) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])
    session = await users.sign_in("amara", "a-long-password", address=ADDRESS)

    await queue.fetch("UPDATE review_queue.sessions SET expires_at = now()")

    assert await users.session(session.token, address=ADDRESS) is None
    assert await users.session("session-of-nobody", address=ADDRESS) is None


async def test_wrong_name_and_wrong_password_look_the_same(queue: Queue) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])
    said = set()

    for name, password in [
        ("amara", "a-wrong-password"),
        ("nobody", "a-long-password"),
        ("no\x00body", "a-long-password"),
        ("amara", ""),
    ]:
        with pytest.raises(WrongPassword) as refused:
            await users.sign_in(name, password, address=ADDRESS)
        said.add(str(refused.value))

    assert len(said) == 1


@pytest.mark.parametrize("name", ["amara", "nobody"])
async def test_a_name_is_locked_after_failures_and_opens_again(queue: Queue, name: str) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])
    for _ in range(3):
        with pytest.raises(WrongPassword):
            await users.sign_in(name, "a-wrong-password", address=ADDRESS)

    with pytest.raises(LockedOut):
        await users.sign_in(name, "a-long-password", address=ADDRESS)

    await queue.fetch("UPDATE review_queue.sign_in_failures SET since = now() - $1::interval", HOUR)
    with pytest.raises(WrongPassword):
        await users.sign_in(name, "a-wrong-password", address=ADDRESS)


async def test_nobody_guesses_in_parallel(queue: Queue, second: Queue) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])

    found = await asyncio.gather(
        *(
            accounts(process.database).sign_in("amara", f"a-wrong-password-{n}", address=ADDRESS)
            for process in (queue, second)
            for n in range(6)
        ),
        return_exceptions=True,
    )

    assert sum(isinstance(each, WrongPassword) for each in found) == 3
    assert sum(isinstance(each, LockedOut) for each in found) == 9


async def test_a_success_forgets_the_failures(queue: Queue) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])

    for _ in range(4):
        with pytest.raises(WrongPassword):
            await users.sign_in("amara", "a-wrong-password", address=ADDRESS)
        assert isinstance(await users.sign_in("amara", "a-long-password", address=ADDRESS), Session)


async def guess(users: Accounts, name: str) -> type[Exception]:
    with pytest.raises((WrongPassword, LockedOut)) as refused:
        await users.sign_in(name, "a-wrong-password", address=ADDRESS)
    return refused.type


async def test_whoever_can_sign_in_does_not_guess_forever(queue: Queue) -> None:
    """An address is locked by its failures, however often somebody succeeds in between."""
    users = accounts(queue.database)
    await users.create_missing([AMARA])
    found = []
    for number in range(10):
        found.append(await guess(users, f"victim-{number}"))
        if found[-1] is WrongPassword and number < 9:
            await users.sign_in("amara", "a-long-password", address=ADDRESS)

    assert set(found) == {WrongPassword}
    assert await guess(users, "victim-10") is LockedOut


async def test_an_office_that_only_succeeds_is_never_locked(queue: Queue) -> None:
    users = accounts(queue.database)
    await users.create_missing([AMARA])

    for _ in range(12):
        await users.sign_in("amara", "a-long-password", address=ADDRESS)


async def test_failures_do_not_add_up_over_a_day(queue: Queue) -> None:
    users = accounts(queue.database)
    for _ in range(5):
        for _ in range(2):
            assert await guess(users, "amara") is WrongPassword
        await queue.fetch(
            "UPDATE review_queue.sign_in_failures SET since = since - $1::interval", HOUR
        )


async def test_a_password_in_the_place_of_the_name_is_kept_nowhere(queue: Queue) -> None:
    users = accounts(queue.database)
    assert await guess(users, "hunter2-hunter2") is WrongPassword

    for table in ("audit", "sign_in_failures"):
        rows = await queue.fetch(f"SELECT * FROM review_queue.{table}")
        assert rows
        assert "hunter2" not in str(rows)


async def test_users_of_the_setting_are_created_once(queue: Queue, second: Queue) -> None:
    renewed = User("amara", "lead", "another-password")

    await asyncio.gather(
        *(accounts(each.database).create_missing([AMARA]) for each in (queue, second))
    )
    await accounts(queue.database).create_missing([renewed])

    session = await accounts(queue.database).sign_in("amara", "a-long-password", address=ADDRESS)
    assert session.person.role == "adjudicator"


async def test_a_name_means_one_caller(queue: Queue) -> None:
    users = accounts(queue.database, reserved=frozenset({"demo"}))
    await users.create("amara", "adjudicator", by=actor("olga"))

    with pytest.raises(Conflict):
        await users.create(" Amara ", "adjudicator", by=actor("olga"))
    with pytest.raises(Conflict, match="token"):
        await users.create("demo", "lead", by=actor("olga"))
