"""What an adjudicator can decide of a claim, and the reasons that go with each decision."""

from shared.tasks.task import Label, ReasonCode, Requirement

# What a refusal rests on, of all or of a part.
_GROUNDS: tuple[Requirement, ...] = ("reason_code", "criterion", "clinical_basis")
LABELS = (
    Label("APPROVED", adverse=False, key="a", meaning="pay the claim", needs_in_part=_GROUNDS),
    Label("DENIED", adverse=True, key="d", meaning="do not pay", needs=_GROUNDS),
    Label(
        "PENDING",
        adverse=True,
        key="p",
        meaning="ask for what is missing, then decide",
        needs=("reason_code",),
    ),
)

REASON_CODES = (
    ReasonCode("NECESSARY", "APPROVED", "Covered, and the note supports the service"),
    ReasonCode("URGENT", "APPROVED", "Urgent or emergency care"),
    ReasonCode("AGREED_FEE", "APPROVED", "In part: up to the agreed fee or the limit"),
    ReasonCode("PART_SUPPORTED", "APPROVED", "In part: the note supports some of the services"),
    ReasonCode("NOT_COVERED", "DENIED", "The policy does not cover the service"),
    ReasonCode("EXCLUDED", "DENIED", "A rule of the policy excludes the service"),
    ReasonCode("LIMIT_EXCEEDED", "DENIED", "A limit of the policy is exceeded"),
    ReasonCode("NOT_NECESSARY", "DENIED", "The note does not support the service"),
    ReasonCode("AUTHORIZATION_MISSING", "PENDING", "Prior authorization is missing"),
    ReasonCode("CODE_CORRECTION", "PENDING", "A code must be corrected or made more specific"),
    ReasonCode("ITEMIZATION", "PENDING", "An itemized bill or an agreed fee is needed"),
    ReasonCode("RECORDS_NEEDED", "PENDING", "The note leaves open whether the service is needed"),
)
