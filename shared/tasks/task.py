"""What a task is: one kind of judgment, defined once and read by every service.

A task says what a case contains, which labels an expert can give, which of them are adverse
to the member, and how a case is put to a model. Its history files and what a page shows of it are
parts of their own. Services know tasks only through this class.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Protocol

import orjson
from pydantic import BaseModel, ValidationError

from shared.errors import Rejected, first_failure
from shared.tasks.fields import visible
from shared.tasks.history import History
from shared.tasks.presentation import Presentation

# What the deterministic checks leave of a case: all ran and passed, one failed or waits for
# something, or one could not be made, which is never a pass.
Standing = Literal["passed", "open", "unchecked"]
_WORD = re.compile(r"\w+(?:\.\d\w*)*")  # 118.00 and M54.16 are one each
# What an answer can have to carry besides its label and the reasoning.
Requirement = Literal["reason_code", "criterion", "clinical_basis"]


@dataclass(frozen=True)
class Label:
    """One possible outcome. `adverse` means against the member: never decided by a model.

    `needs_in_part`: what is needed where only a part of the amount at stake is approved, which
    refuses the rest.
    """

    name: str
    adverse: bool
    key: str  # its key on the review page
    meaning: str
    needs: tuple[Requirement, ...] = ()
    needs_in_part: tuple[Requirement, ...] = ()


@dataclass(frozen=True)
class ReasonCode:
    """A reason that an expert can pick for a label; the codes are the task's own."""

    code: str
    label: str
    text: str


@dataclass(frozen=True)
class Prompt:
    """A case as a model reads it. The answer starts with the label, then comes the reason."""

    system: str
    user: str

    @property
    def content(self) -> str:
        """Its words in one spelling and one order: equal of copies, also of those in which the
        lines stand otherwise, or which have other marks, capitals or invisible characters."""
        text = visible(f"{self.system} {self.user}").casefold()
        return " ".join(sorted(_WORD.findall(text)))


def as_given(content: BaseModel) -> dict[str, Any]:
    """What somebody handed in, to be hashed: neither what is left out nor what we add to it."""
    return content.model_dump(mode="json", exclude_defaults=True)


class Complete(Protocol):
    """`submitted_on` is the day, by UTC, on which a case came in; of one of the past nobody knows
    it."""

    def __call__(self, content: Any, /, *, submitted_on: date | None = None) -> Any: ...


def _unchanged(content: Any, /, *, submitted_on: date | None = None) -> Any:  # noqa: ARG001
    return content


class StandingOf(Protocol):
    """`submitted_on` as for `Complete`."""

    def __call__(self, content: Any, /, *, submitted_on: date | None = None) -> Standing: ...


def _never_checked(_: Any, /, *, submitted_on: date | None = None) -> Standing:  # noqa: ARG001
    return "unchecked"


@dataclass(frozen=True)
class Task:
    """A kind of judgment.

    `group_of` names whom a case is about (the member, else the claim family, else the claim).
    `complete` adds what has to be there before anybody judges a case or learns from it, whatever
    the caller says of it; what the caller sent stays, and a completed case stays as it is.
    `standing_of` is what the task's checks leave of a completed case; a task without checks has
    checked nothing. `judged_of` is what is judged, whatever its ids are: where it is equal, the
    same is asked for again.
    """

    name: str
    title: str
    labels: tuple[Label, ...]
    reason_codes: tuple[ReasonCode, ...]
    input_model: type[BaseModel]
    group_of: Callable[[Any], str]
    prompt_version: str
    render: Callable[[Any], Prompt]
    history: History
    presentation: Presentation
    examples: tuple[Mapping[str, Any], ...]  # inputs for the documentation
    complete: Complete = _unchanged
    standing_of: StandingOf = _never_checked
    judged_of: Callable[[Any], Mapping[str, Any]] = as_given
    # The input field that says which claim a case is about, if its cases are about claims.
    claim_field: str | None = None
    # The input field with the amount at stake in US dollars, if a part of it can be approved.
    amount_field: str | None = None

    @property
    def label_names(self) -> tuple[str, ...]:
        return tuple(label.name for label in self.labels)

    def label(self, name: str) -> Label:
        """The label of that name; `Rejected` if the task has none such."""
        for label in self.labels:
            if label.name == name:
                return label
        known = ", ".join(self.label_names)
        raise Rejected(f"is no label of {self.name}; labels are {known}", field="label")

    def is_adverse(self, name: str) -> bool:
        return self.label(name).adverse

    def validate(self, content: Mapping[str, Any]) -> BaseModel:
        """The input of a case, checked; `Rejected` names the field and says why."""
        try:
            return self.input_model.model_validate(content)
        except ValidationError as error:
            field, reason = first_failure(error, case=self.input_model)
            raise Rejected(reason, field=f"input.{field}".rstrip(".")) from None

    def claim_id_of(self, content: BaseModel, *, given: str | None) -> str | None:
        """The claim that a case is about; `Rejected` if its envelope has `given` another."""
        if self.claim_field is None:
            return given
        claim_id: str = getattr(content, self.claim_field)
        if given not in (None, claim_id):
            raise Rejected(
                f"differs from input.{self.claim_field}; leave it out or repeat that one",
                field="claim_id",
            )
        return claim_id

    def prompt(self, content: Mapping[str, Any]) -> Prompt:
        """The case as a model reads it: completed, whatever its content says was added."""
        return self.render(self.complete(self.validate(content)))


def answer_text(label: str, reasoning: str) -> str:
    """The answer of the training text: the label first, so that scoring and training agree."""
    return f"{label}\n{reasoning}".rstrip()


def content_hash(task: str, content: Mapping[str, Any]) -> str:
    """sha256 of a case's content in canonical JSON: equal content, equal hash."""
    try:
        canonical = orjson.dumps([task, content], option=orjson.OPT_SORT_KEYS, default=str)
    except TypeError:
        reason = "has a number that is no 64-bit one, or a name that is no text"
        raise Rejected(reason, field="input") from None
    return hashlib.sha256(canonical).hexdigest()
