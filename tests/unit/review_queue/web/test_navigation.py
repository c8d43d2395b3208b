"""Each role is offered the pages that it may open, and no others."""

import pytest

from services.review_queue.web.navigation import LINKS, links
from shared.auth.principal import Person

OFFERED = {
    "adjudicator": ["Review", "My work", "Queue"],
    "senior": ["Review", "My work", "Queue"],
    "lead": ["Review", "My work", "Queue", "Reviewers", "Agreement"],
    "operator": ["Queue"],
    "auditor": ["Queue", "Reviewers", "Agreement", "Audit"],
}


@pytest.mark.parametrize("role", OFFERED)
def test_a_role_is_offered_its_pages(role: str) -> None:
    assert [link.title for link in links(Person("somebody", role, "here"))] == OFFERED[role]


@pytest.mark.parametrize(
    ("path", "title"),
    [
        ("/", "Review"),
        ("/queue", "Queue"),
        ("/reviews", "Queue"),
        ("/reviews/r-1", "Queue"),
        ("/reviewers/bo", "Reviewers"),
        ("/my-work/r-1", "My work"),
        ("/search", None),
    ],
)
def test_a_page_belongs_to_one_link_at_most(path: str, title: str | None) -> None:
    assert [link.title for link in LINKS if link.covers(path)] == ([title] if title else [])
