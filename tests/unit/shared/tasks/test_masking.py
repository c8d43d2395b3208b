"""That no value of a field marked as member data survives, whatever the task and however deep."""

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from shared.tasks import TASKS
from shared.tasks.fields import MEMBER_DATA
from shared.tasks.history import History
from shared.tasks.masking import MASK, mask_member_data
from shared.tasks.presentation import Presentation
from shared.tasks.task import Prompt, Task


def marked(task: Task) -> set[str]:
    properties = task.input_model.model_json_schema()["properties"]
    return {name for name, schema in properties.items() if schema.get("member_data")}


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from leaves(each)
    else:
        yield value


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_no_marked_value_of_a_task_survives(task: Task) -> None:
    assert marked(task)
    for example in task.examples:
        content = task.validate(example).model_dump(mode="json")
        shown = mask_member_data(task, content)

        assert {name for name, value in shown.items() if value == MASK} == marked(task)
        for name in content.keys() - marked(task):
            assert shown[name] == content[name]
        secrets = {text for name in marked(task) for text in leaves(content[name])} - {None}
        assert secrets
        assert not secrets & set(leaves(shown))


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_whether_a_marked_value_was_given_is_hidden_too(task: Task) -> None:
    whole = task.validate(task.examples[0]).model_dump(mode="json")
    given = {name: value for name, value in whole.items() if name not in marked(task)}

    assert mask_member_data(task, given) == mask_member_data(task, whole)


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_the_content_itself_stays_as_it_was(task: Task) -> None:
    content = task.validate(task.examples[0]).model_dump(mode="json")
    before = dict(content)

    mask_member_data(task, content)

    assert content == before


Secret = Annotated[str, Field(json_schema_extra=MEMBER_DATA)]


class Person(BaseModel):
    name: Secret
    role: str
    relatives: tuple["Person", ...] = ()


class Letter(BaseModel):
    kind: Literal["letter"] = "letter"
    written: date = Field(json_schema_extra=MEMBER_DATA)


class Call(BaseModel):
    kind: Literal["call"] = "call"
    minutes: int


class Visit(BaseModel):
    place: str
    patient: Person
    contacts: dict[str, Person]
    phones: list[Secret]
    last: Person | None = None
    evidence: Annotated[Letter | Call, Field(discriminator="kind")]
    pair: tuple[str, Secret]
    family: Person = Field(json_schema_extra=MEMBER_DATA)
    extra: dict[str, Any] = {}


VISITS = Task(
    name="visits",
    title="Visits",
    labels=(),
    input_model=Visit,
    prompt_version="1",
    render=lambda case: Prompt("", ""),
    group_of=lambda case: "",
    history=History(NotImplemented, required_columns=()),
    reason_codes=(),
    presentation=Presentation(sections=()),
    examples=(),
)

GRETA = {
    "name": "Greta",
    "role": "patient",
    "relatives": [{"name": "Hugo", "role": "son", "relatives": []}],
}
HIDDEN = {
    "name": MASK,
    "role": "patient",
    "relatives": [{"name": MASK, "role": "son", "relatives": []}],
}
CONTENT: dict[str, Any] = {
    "place": "Ward 4",
    "patient": GRETA,
    "contacts": {"first": GRETA},
    "phones": ["0170", "0171"],
    "last": GRETA,
    "evidence": {"kind": "letter", "written": "2026-03-02"},
    "pair": ["left", "0172"],
    "family": GRETA,
    "extra": {"nick": "Gre"},
}


def test_marked_fields_are_found_at_any_depth() -> None:
    Visit.model_validate(CONTENT)

    assert mask_member_data(VISITS, CONTENT) == {
        "place": "Ward 4",
        "patient": HIDDEN,
        "contacts": {"first": HIDDEN},
        "phones": [MASK, MASK],
        "last": HIDDEN,
        "evidence": {"kind": "letter", "written": MASK},
        # Which entry of a tuple is which is not asked: one marked entry hides them all.
        "pair": [MASK, MASK],
        "family": MASK,
        "extra": {"nick": MASK},
    }


def test_what_the_schema_does_not_know_is_hidden() -> None:
    shown = mask_member_data(VISITS, CONTENT | {"surprise": {"name": "Greta"}, "last": None})

    assert shown["surprise"] == MASK
    assert shown["last"] is None


def test_another_kind_of_evidence_hides_nothing_of_its_own() -> None:
    shown = mask_member_data(VISITS, CONTENT | {"evidence": {"kind": "call", "minutes": 3}})

    assert (shown["evidence"]["kind"], shown["evidence"]["minutes"]) == ("call", 3)
