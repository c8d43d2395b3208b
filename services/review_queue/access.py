"""Which role may do what: one set of roles a kind of action, used by every route and page."""

from typing import Annotated

from fastapi import Depends

from shared.auth import ROLES, Principal, allow

# Who decides cases.
REVIEWERS = ("adjudicator", "senior", "lead")
# Who reads cases and what others said of them. Everybody else sees numbers only.
READERS = ("senior", "lead", "auditor", "service")

Anybody = Annotated[Principal, Depends(allow(*ROLES))]
Reviewer = Annotated[Principal, Depends(allow(*REVIEWERS))]
Reader = Annotated[Principal, Depends(allow(*READERS))]
Operator = Annotated[Principal, Depends(allow("operator"))]
