"""What an independent physician can decide of a plan's denial, and the reasons that go with it."""

from shared.tasks.task import Label, ReasonCode

LABELS = (
    Label("APPROVED", adverse=False, key="a", meaning="overturn the plan's denial"),
    Label(
        "DENIED",
        adverse=True,
        key="d",
        meaning="uphold the plan's denial",
        needs=("reason_code", "criterion", "clinical_basis"),
    ),
)

REASON_CODES = (
    ReasonCode("NECESSARY", "APPROVED", "The treatment is medically necessary"),
    ReasonCode("MORE_BENEFICIAL", "APPROVED", "Likely to help more than standard treatment"),
    ReasonCode("URGENT", "APPROVED", "It was an emergency or urgent"),
    ReasonCode("NOT_NECESSARY", "DENIED", "The treatment is not medically necessary"),
    ReasonCode("NOT_PROVEN", "DENIED", "Not likely to help more than standard treatment"),
)
