import pytest

from services.review_queue.people.users import User, parse_users
from shared.errors import Rejected


def test_users_are_read_from_the_setting() -> None:
    users = parse_users(" Amara:adjudicator:long-enough:with-colon , lee:lead:long-enough-2,")

    assert users == [
        User("amara", "adjudicator", "long-enough:with-colon"),
        User("lee", "lead", "long-enough-2"),
    ]
    assert parse_users("") == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("amara:adjudicator:short", "password"),
        ("amara:king:long-enough", "role"),
        ("demo:service:long-enough", "role"),  # services have tokens
        ("a b:lead:long-enough", "name"),
        (":lead:long-enough", "name"),
    ],
)
def test_what_is_wrong_with_a_user_is_named(text: str, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        parse_users(text)

    assert refused.value.field == field


def test_an_entry_without_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="name:role:password"):
        parse_users("amara:long-enough")


def test_a_password_stays_out_of_the_message() -> None:
    with pytest.raises(Rejected) as refused:
        User("amara", "king", "secret-secret")

    assert "secret" not in str(refused.value)
