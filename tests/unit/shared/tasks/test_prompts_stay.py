"""Texts that models were trained on and hashes that are stored: a change of structure keeps them.

A prompt that is meant to change gets a new `prompt_version`, and its text is written anew here.
"""

import pytest

from shared.tasks import get_task
from shared.tasks.task import answer_text, as_given, content_hash

ADJUDICATION = "Decide the claim: APPROVED, DENIED or PENDING, then the reason."
INDEPENDENT_REVIEW = "A plan denied this treatment. Decide: APPROVED or DENIED."

# Task, number of its example, prompt version, system text, user text, group, content hash.
EXAMPLES = [
    (
        "adjudication",
        0,
        "adjudication-6",
        ADJUDICATION,
        "Procedures 97110 x2, 97140 for M54.16, 118.00 USD.\n"
        "Edits: all pass.\n"
        "Note: Leg pain on the right for two months. Exercises at home for six weeks brought "
        "no relief, lifting is limited.",
        "member:M-0004711",
        "40154b218615e4618a377b14eb1c6100c0b156071f43f357b331798669e40cfb",
    ),
    (
        "adjudication",
        1,
        "adjudication-6",
        ADJUDICATION,
        "Procedures 15780 for Z41.1, 790.00 USD.\n"
        "Edits: exclusion fail: cosmetic service is excluded.\n"
        "Note: none",
        "claim:CLM-2026-0000124",
        "b84571e974ece8c7bbb5950599367121c01559526b82d4fdaadae336ab412627",
    ),
    (
        "independent_review",
        0,
        "independent-review-1",
        INDEPENDENT_REVIEW,
        "Diagnosis: Orthopedic/ Musculoskeletal, Back Pain.\n"
        "Treatment: Rehabilitation Services - Outpatient, Physical Therapy.\n"
        "Denied as: Medical Necessity, 2012.\n"
        "Patient: 41-50, Female.",
        "reference:MN12-15014",
        "5d70fe0eaab754202c00c54e6502110978458ff75ec2cecba86961059f463e00",
    ),
]


@pytest.mark.parametrize(
    ("name", "number", "version", "system", "user", "group", "content_sha256"), EXAMPLES
)
def test_prompt_group_and_hash_of_an_example(
    name: str, number: int, version: str, system: str, user: str, group: str, content_sha256: str
) -> None:
    task = get_task(name)
    case = task.validate(task.examples[number])
    prompt = task.prompt(task.examples[number])
    assert (task.prompt_version, prompt.system, prompt.user) == (version, system, user)
    assert task.group_of(case) == group
    assert content_hash(name, as_given(case)) == content_sha256


def test_the_answer_of_a_training_text_begins_with_the_label() -> None:
    assert answer_text("DENIED", "The note does not support it.") == (
        "DENIED\nThe note does not support it."
    )
    assert answer_text("APPROVED", "") == "APPROVED"
