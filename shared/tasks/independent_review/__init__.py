"""The task `independent_review`: does a health plan's denial stand?

Its cases are determinations of California's Independent Medical Review, a public record: an
independent physician upholds the plan's decision (DENIED) or overturns it (APPROVED).
"""

from shared.tasks.independent_review.examples import EXAMPLES
from shared.tasks.independent_review.history import HISTORY
from shared.tasks.independent_review.input import IndependentReviewInput, group_of
from shared.tasks.independent_review.labels import LABELS, REASON_CODES
from shared.tasks.independent_review.presentation import PRESENTATION
from shared.tasks.independent_review.prompt import PROMPT_VERSION, render
from shared.tasks.task import Task

INDEPENDENT_REVIEW = Task(
    name="independent_review",
    title="Independent medical review",
    labels=LABELS,
    reason_codes=REASON_CODES,
    input_model=IndependentReviewInput,
    group_of=group_of,
    claim_field="reference_id",
    prompt_version=PROMPT_VERSION,
    render=render,
    history=HISTORY,
    presentation=PRESENTATION,
    examples=EXAMPLES,
)
