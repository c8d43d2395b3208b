import pytest

from shared.errors import Conflict
from shared.storage.content_identity import refuse_other_content

STORED = {"case-1": "a" * 64, "case-2": "b" * 64}


def refused(*given: tuple[str, str]) -> Conflict:
    with pytest.raises(Conflict) as conflict:
        refuse_other_content(given, STORED, because="was routed with other content")
    return conflict.value


def test_the_same_content_again_is_fine() -> None:
    given = [*STORED.items(), *STORED.items()]
    refuse_other_content(given, STORED, because="was routed with other content")


def test_other_content_is_refused_and_the_message_says_what_to_do() -> None:
    conflict = refused(("case-2", "b" * 64), ("case-1", "c" * 64))
    assert conflict.field == "case_id"
    assert conflict.reason == (
        "the case was routed with other content; a new attempt needs a case id of its own"
    )


def test_one_case_with_two_contents_at_once_is_refused() -> None:
    assert refused(("case-1", "a" * 64), ("case-1", "c" * 64)).field == "case_id"


def test_a_case_that_the_insert_left_out_is_refused() -> None:
    assert refused(("case-3", "c" * 64)).field == "case_id"
