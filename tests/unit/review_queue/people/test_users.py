import pytest

from services.review_queue.people.users import User, parse_users
from shared.errors import Rejected


def read(text: str) -> list[User]:
    return parse_users(text, setting="REVIEW_QUEUE_BOOTSTRAP_USERS")


def test_users_are_read_from_the_setting() -> None:
    users = read(" Amara:adjudicator:quite-long-enough:with-colon , lee:lead:quite-long-enough-2,")

    assert users == [
        User("amara", "adjudicator", "quite-long-enough:with-colon"),
        User("lee", "lead", "quite-long-enough-2"),
    ]
    assert read("") == []


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("amara:adjudicator:short", "password"),
        ("amara:king:quite-long-enough", "role"),
        ("demo:service:quite-long-enough", "role"),  # services have tokens
        ("a b:lead:quite-long-enough", "name"),
        (":lead:quite-long-enough", "name"),
    ],
)
def test_what_is_wrong_with_a_user_is_named(text: str, field: str) -> None:
    with pytest.raises(Rejected) as refused:
        read(text)

    assert refused.value.field == field


def test_an_entry_without_a_role_is_refused() -> None:
    with pytest.raises(ValueError, match="name:role:password"):
        read("amara:quite-long-enough")


def test_a_password_stays_out_of_the_message() -> None:
    with pytest.raises(Rejected) as refused:
        User("amara", "king", "secret-secret")

    assert "secret" not in str(refused.value)
