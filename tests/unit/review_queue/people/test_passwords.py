"""Which passwords are refused: short ones, those that others try first, and one's own name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.review_queue.people.passwords import (
    MINIMUM_PASSWORD,
    check_password,
    one_time_password,
)
from shared.errors import Rejected


@pytest.mark.parametrize(
    "password",
    [
        "a-long-pass",
        "aaaaaaaaaaaa",
        "abababababab",
        "123456789012",
        "qwertyuiopas",
        "Password1234",
        "p@ssw0rd1234",
        "passwordpassword",
        "Password!Password!",
        "letmein12345!",
        "iloveyou2026!",
        "Welcome_2026_",
        "1qaz2wsx3edc",
        "abcdefghijklm",
        "amara.adjudicates"[:14],
        "!!!amara2026!!!",
    ],
)
def test_what_others_try_first_is_refused(password: str) -> None:
    with pytest.raises(Rejected) as refused:
        check_password(password, name="amara")

    assert refused.value.field == "password"
    assert password not in str(refused.value)


@pytest.mark.parametrize(
    "password",
    ["a-long-password", "correct horse battery", "Vx7#kd02mQp!", "amara has many unrelated words"],
)
def test_what_nobody_guesses_is_taken(password: str) -> None:
    check_password(password, name="amara")


@given(st.text(max_size=MINIMUM_PASSWORD - 1))
def test_nothing_short_is_taken(password: str) -> None:
    with pytest.raises(Rejected):
        check_password(password, name="amara")


def test_a_one_time_password_is_nobodys_choice() -> None:
    made = {one_time_password() for _ in range(100)}

    assert len(made) == 100
    for password in made:
        check_password(password, name="amara")
