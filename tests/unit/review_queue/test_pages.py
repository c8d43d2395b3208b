"""What the templates make of cases, and the headers that every response has."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from fastapi import Request

from services.review_queue.app import create_app
from services.review_queue.pages import Pages
from services.review_queue.reviews import Assignment
from services.review_queue.settings import Settings
from services.review_queue.views import case_view
from shared.events import ReviewRequested
from shared.tasks import TASKS
from shared.tasks.task import Task
from tests.support.builders import NOW, case, claim_input
from tests.support.requests import model_answer, requested

PAGES = Pages(now=lambda: NOW + timedelta(minutes=12))


def rendered(
    request: ReviewRequested, *, withheld: bool = False, label_before: str | None = None
) -> str:
    assignment = Assignment(
        assignment_id=UUID(int=1),
        token=1,
        state="leased",
        kind="first",
        leased_at=NOW,
        lease_expires_at=NOW,
        label_before=label_before,
        withheld=withheld,
        request=request,
    )
    scope = {"type": "http", "path": "/", "headers": []}
    answer = PAGES.render(
        Request(scope), "case.html", assignment=assignment, view=case_view(assignment)
    )
    return bytes(answer.body).decode()


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_case_of_every_task_can_be_decided(task: Task) -> None:
    content = task.validate(task.examples[0]).model_dump(mode="json")
    html = rendered(requested(case=case(task=task.name, input=content), answer=None))

    for label in task.labels:
        assert f'value="{label.name}" data-key="{label.key}"' in html
    for reason in task.reason_codes:
        assert f'value="{reason.code}"' in html
    assert "Waited <time" in html
    assert ">12 min<" in html


def test_the_models_answer_is_marked_as_a_draft() -> None:
    html = rendered(requested(answer=model_answer(reasoning="the note supports it")))

    assert "draft, not evidence" in html
    assert "the note supports it" in html


def test_a_hidden_answer_does_not_leave_the_server() -> None:
    answer = model_answer(reasoning="the note supports it")
    html = rendered(requested(answer=answer, model_visible=False))

    for secret in ("draft", "62%", "the note supports it", "Adverse"):
        assert secret not in html


@pytest.mark.parametrize("label", [None, "APPROVED"])
def test_a_withheld_answer_leaves_it_once_the_reviewer_has_his_own(label: str | None) -> None:
    answer = model_answer(reasoning="the note supports it")
    html = rendered(requested(answer=answer), withheld=True, label_before=label)

    for secret in ("draft, not evidence", "62%", "the note supports it", "Adverse"):
        assert (secret in html) is (label is not None)


def test_what_a_case_says_is_never_markup() -> None:
    attack = "<script>alert(1)</script>"
    html = rendered(requested(case=case(input=claim_input(clinical_note=attack))))

    assert attack not in html
    assert "&lt;script&gt;" in html


def test_pages_carry_neither_scripts_nor_styles_of_their_own() -> None:
    html = rendered(requested())

    assert "<script" not in html
    assert "style=" not in html
    assert "onclick" not in html


async def test_every_response_forbids_what_is_not_ours() -> None:
    transport = httpx.ASGITransport(create_app(Settings()), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://queue") as client:
        answers = [
            await client.get(path, headers={"Accept": "text/html"})
            for path in ("/sign-in", "/static/app.css", "/v1/queue", "/nowhere")
        ]

    assert [answer.status_code for answer in answers] == [200, 200, 401, 404]
    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert [answer.headers["cache-control"] for answer in answers] == [
        "no-store",
        "no-cache",
        "no-store",
        "no-store",
    ]
    assert "There is no such page" in answers[3].text


async def test_a_page_that_needs_the_database_says_when_it_is_away() -> None:
    transport = httpx.ASGITransport(create_app(Settings()), raise_app_exceptions=False)
    cookies = {"caseloop_session": "session-x"}
    async with httpx.AsyncClient(
        transport=transport, base_url="http://queue", cookies=cookies
    ) as client:
        page = await client.get("/", headers={"Accept": "text/html"})
        api = await client.get("/v1/queue")

    assert (page.status_code, api.status_code) == (503, 503)
    assert "Back in a moment" in page.text
    assert api.json()["detail"] == "PostgreSQL is not connected yet"
    assert page.headers["retry-after"] == api.headers["retry-after"] == "2"
