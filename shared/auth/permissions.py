"""Who may do what: one table of rights for every route and page of all services.

Every route names one right of it (`dependencies.py`) or is listed here as public. A test walks the
routes of all services, refuses one that does neither, and tries every role on every route.
"""

from collections.abc import Mapping
from typing import Literal, get_args

Role = Literal["adjudicator", "senior", "lead", "operator", "auditor", "service"]
Right = Literal[
    # review_queue
    "work",  # lease cases, decide them, correct one's own decisions
    "see_counts",
    "see_reviews",  # one's own, masked, or all: see `redaction.py`
    "list_reviews",  # without what is in them
    "read_cases",  # with member data, and what others said of them
    "read_statistics",  # of labels and reviewers, without member data
    "manage_reviewers",
    "manage_users",
    "read_audit",
    "sign_out",
    # inference
    "request_predictions",
    "read_served_models",
    # dataset_accumulator
    "read_datasets",  # counts of labels, dataset versions and reports of imports
    "release_datasets",
    "import_cases",
    "confirm_imports",  # of somebody else, and recall imports of anybody
    # trainer
    "read_training_runs",
    "retry_training_runs",
    # evaluator
    "read_evaluations",
    "retry_evaluations",
    # promoter
    "read_rollouts",
    "change_rollouts",
]
Route = tuple[str, str]  # method and path

ROLES: tuple[Role, ...] = get_args(Role)
USER_ROLES = tuple(role for role in ROLES if role != "service")  # of people, who sign in
REVIEWERS: tuple[Role, ...] = ("adjudicator", "senior", "lead")
SENIORS: tuple[Role, ...] = ("senior", "lead")  # who has the final word in a dispute
# They follow the models from the dataset to the rollout, where no member data is shown.
OBSERVERS: tuple[Role, ...] = ("service", "operator", "lead", "auditor")

PERMISSIONS: Mapping[Right, tuple[Role, ...]] = {
    "work": REVIEWERS,
    "see_counts": ROLES,
    "see_reviews": (*REVIEWERS, "auditor", "service"),
    "list_reviews": ("senior", "lead", "auditor", "service"),
    "read_cases": ("senior", "lead", "service"),
    "read_statistics": ("lead", "auditor", "service"),
    "manage_reviewers": ("lead",),
    "manage_users": ("operator",),
    "read_audit": ("auditor",),
    "sign_out": ROLES,
    "request_predictions": ("service", "operator"),
    "read_served_models": OBSERVERS,
    "read_datasets": OBSERVERS,
    "release_datasets": ("operator",),
    "import_cases": ("operator", "service"),
    "confirm_imports": ("operator", "lead"),
    "read_training_runs": OBSERVERS,
    "retry_training_runs": ("operator",),
    "read_evaluations": OBSERVERS,
    "retry_evaluations": ("operator",),
    "read_rollouts": OBSERVERS,
    "change_rollouts": ("operator",),
}

# Public: what every service reports about itself, and what a signed-out user needs.
HEALTH_ROUTES: frozenset[Route] = frozenset(
    {
        ("GET", "/health/live"),
        ("GET", "/health/ready"),
        ("GET", "/metrics"),
        ("GET", "/openapi.json"),
        ("GET", "/asyncapi.json"),
    }
)
SIGN_IN_ROUTES: frozenset[Route] = frozenset(
    {
        ("GET", "/sign-in"),
        ("POST", "/sign-in"),
        ("POST", "/v1/sessions"),
        ("POST", "/sign-out"),
    }
)
PUBLIC_ROUTES = HEALTH_ROUTES | SIGN_IN_ROUTES
