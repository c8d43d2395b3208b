"""The callers of this service's routes and pages, each by the right that the route needs.

Who decides, rules or is accountable by name is a person, by type: no machine gets that far.
"""

from typing import Annotated

from fastapi import Depends

from shared.auth.dependencies import Requires, RequiresPerson
from shared.auth.principal import Actor, Person

Worker = Annotated[Person, Depends(RequiresPerson("work"))]
Manager = Annotated[Person, Depends(RequiresPerson("manage_reviewers"))]
Operator = Annotated[Person, Depends(RequiresPerson("manage_users"))]
Auditor = Annotated[Person, Depends(RequiresPerson("read_audit"))]
SignedIn = Annotated[Person, Depends(RequiresPerson("own_account"))]
Anybody = Annotated[Actor, Depends(Requires("see_counts"))]
Reader = Annotated[Actor, Depends(Requires("see_reviews"))]
Lister = Annotated[Actor, Depends(Requires("list_reviews"))]
Analyst = Annotated[Actor, Depends(Requires("read_statistics"))]
