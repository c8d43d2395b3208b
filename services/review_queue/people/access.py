"""The callers of this service's routes and pages, each by the right that the route needs."""

from typing import Annotated

from fastapi import Depends

from shared.auth.dependencies import Requires
from shared.auth.principal import Actor

Worker = Annotated[Actor, Depends(Requires("work"))]
Anybody = Annotated[Actor, Depends(Requires("see_counts"))]
Reader = Annotated[Actor, Depends(Requires("see_reviews"))]
Lister = Annotated[Actor, Depends(Requires("list_reviews"))]
Analyst = Annotated[Actor, Depends(Requires("read_statistics"))]
Manager = Annotated[Actor, Depends(Requires("manage_reviewers"))]
Operator = Annotated[Actor, Depends(Requires("manage_users"))]
Auditor = Annotated[Actor, Depends(Requires("read_audit"))]
SignedIn = Annotated[Actor, Depends(Requires("sign_out"))]
