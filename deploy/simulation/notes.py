"""The clinical note of a simulated claim: what it says, and what an expert would read in it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

from deploy.simulation.catalog import ClinicalPresentation, Service


class Support(StrEnum):
    """What the note says about the need for the service."""

    SUPPORTS = "supports"
    LACKS = "lacks"
    UNCLEAR = "unclear"


FEWEST_WORDS = 15

_SHARES = {Support.SUPPORTS: 66, Support.LACKS: 18, Support.UNCLEAR: 16}


@dataclass(frozen=True)
class ClinicalNote:
    text: str
    support: Support
    reason: str  # the decisive fact, as an expert would put it


def write_note(
    service: Service, presentation: ClinicalPresentation, *, age: int, random: Random
) -> ClinicalNote:
    """A note of 15 to 35 words whose last sentence decides."""
    [support] = random.choices(list(_SHARES), weights=list(_SHARES.values()))
    slots = {
        "complaint": presentation.complaint,
        "finding": presentation.finding,
        "tried": random.choice(service.tried),
        "test": random.choice(service.test),
        "weeks": random.randint(4, 12),
        "age": age,
    }
    decisive = random.choice(_phrases()[support])
    return ClinicalNote(
        text=_text(decisive["note"], slots, random),
        support=support,
        reason=_sentence(decisive["reason"], slots),
    )


def _text(decisive: str, slots: Mapping[str, Any], random: Random) -> str:
    """An opening, one or two neutral sentences, and the decisive one last, as an assessment is."""
    sentences = [_sentence(random.choice(_phrases()["openings"]), slots)]
    last = _sentence(decisive, slots)
    neutral = random.sample(_phrases()["neutral"], k=3)
    while len(sentences) < 2 or _words(*sentences, last) < FEWEST_WORDS:
        sentences.append(_sentence(neutral.pop(), slots))
    return " ".join([*sentences, last])


def _words(*sentences: str) -> int:
    return sum(len(sentence.split()) for sentence in sentences)


def _sentence(template: str, slots: Mapping[str, Any]) -> str:
    text = template.format_map(slots)
    return text[0].upper() + text[1:]


@cache
def _phrases() -> Mapping[str, Any]:
    file = Path(__file__).parent / "phrases.yaml"
    content: Mapping[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content
