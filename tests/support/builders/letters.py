"""A task that has nothing to do with claims: may this discharge letter leave the ward?

It is registered nowhere; a test that needs it found by name puts it into `TASKS` for a while.
"""

from dataclasses import replace
from datetime import date
from typing import Any

from pydantic import BaseModel, Field

from shared.tasks.fields import MEMBER_DATA
from shared.tasks.history import HistoricCase, History
from shared.tasks.presentation import CodeTitle, Panel, Presentation, Rule, Section
from shared.tasks.task import Label, Prompt, ReasonCode, Task


class Drug(BaseModel):
    name: str
    doses: list[float]
    new: bool = False


class Letter(BaseModel):
    letter_id: str
    patient: dict[str, str] = Field(json_schema_extra=MEMBER_DATA)
    body: str
    keywords: list[str] = []
    drugs: list[Drug] = []
    author: Drug | None = None


def _read(row: Any) -> HistoricCase:
    return HistoricCase(Letter.model_validate(row), row["label"], row["why"], {})


BARE = Task(
    name="letters",
    title="Discharge letters",
    labels=(
        Label("SEND", adverse=False, key="s", meaning="the letter is right"),
        Label("REWRITE", adverse=True, key="w", meaning="write it again", needs=("reason_code",)),
        Label("ASK_WARD", adverse=True, key="q", meaning="ask the ward"),
    ),
    input_model=Letter,
    prompt_version="letters-1",
    render=lambda letter: Prompt("SEND, REWRITE or ASK_WARD.", letter.body),
    group_of=lambda letter: letter.letter_id,
    history=History(_read, required_columns=()),
    reason_codes=(ReasonCode("WRONG_DRUG", "REWRITE", "A drug is wrong"),),
    presentation=Presentation(
        sections=(
            Section("Letter", ("letter_id", "patient", "keywords")),
            Section("Text", ("body",), wide=True),
            Section("Drugs", ("drugs", "author")),
        ),
    ),
    examples=(),
)


def _title_of_code(field: str, code: str) -> CodeTitle | None:
    return CodeTitle(code.title(), "Keywords") if (field, code) == ("keywords", "heart") else None


def _rules_of(letter: Letter) -> tuple[Rule, ...]:
    style = Rule("S/1", "Style guide", "2", date(2026, 1, 1), "S/1: Name every drug.", "fail")
    return (style, Rule("S 2", "Style guide", "2", date(2026, 1, 1), "S 2: Be brief."))


def _panels_of(letter: Letter) -> tuple[Panel, ...]:
    return (Panel("length", "Length", ("Words",), ((str(len(letter.body.split())),),)),)


LETTERS = replace(
    BARE,
    presentation=replace(
        BARE.presentation,
        title_of_code=_title_of_code,
        rules_of=_rules_of,
        panels_of=_panels_of,
    ),
)

LETTER: dict[str, Any] = {
    "letter_id": "L-1",
    "patient": {"name": "Greta", "ward": "4"},
    "body": "Dear colleague,\nwe thank you.",
    "keywords": ["heart", "fall", "heart"],
    "drugs": [{"name": "Aspirin", "doses": [1, 0.5], "new": True}],
    "author": None,
}
