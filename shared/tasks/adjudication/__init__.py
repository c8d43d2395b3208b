"""The task `adjudication`: is this claim paid, refused, or does something have to be added?"""

from shared.tasks.adjudication.examples import EXAMPLES
from shared.tasks.adjudication.history import HISTORY
from shared.tasks.adjudication.input import ClaimInput, group_of, judged_of
from shared.tasks.adjudication.labels import LABELS, REASON_CODES
from shared.tasks.adjudication.presentation import PRESENTATION
from shared.tasks.adjudication.prompt import PROMPT_VERSION, render
from shared.tasks.adjudication.standing import complete, standing_of
from shared.tasks.task import Task

ADJUDICATION = Task(
    name="adjudication",
    title="Claim adjudication",
    labels=LABELS,
    reason_codes=REASON_CODES,
    input_model=ClaimInput,
    group_of=group_of,
    complete=complete,
    standing_of=standing_of,
    judged_of=judged_of,
    claim_field="claim_id",
    prompt_version=PROMPT_VERSION,
    render=render,
    history=HISTORY,
    presentation=PRESENTATION,
    examples=EXAMPLES,
    amount_field="billed_amount",
)
