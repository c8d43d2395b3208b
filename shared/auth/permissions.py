"""Who may do what: one table of rights for every route and page of all services.

People have a role; the token of a machine has scopes. Every route names one right of the table
(`dependencies.py`) or is listed here as public. A test walks the routes of all services, refuses
one that does neither, and tries every role and every scope on every route.
"""

from collections.abc import Mapping
from typing import Literal, get_args

Role = Literal["adjudicator", "senior", "lead", "operator", "auditor"]  # of people, who sign in
Scope = Literal[  # of machines: what their tokens are for, one or several each
    "submit",  # ask for predictions
    "import",  # bring in history
    "observe",  # counts, models, rollouts: no member data
    "read_reviews",  # with member data
    "operate",  # release, try again, and stop; never approve
]
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
    "own_account",  # sign out, choose a password
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
    "stop_rollouts",  # stop, pause, roll back: nothing gets less cautious
    "advance_rollouts",  # promote, start, resume
]
Route = tuple[str, str]  # method and path

ROLES: tuple[Role, ...] = get_args(Role)
SCOPES: tuple[Scope, ...] = get_args(Scope)
REVIEWERS: tuple[Role, ...] = ("adjudicator", "senior", "lead")
SENIORS: tuple[Role, ...] = ("senior", "lead")  # who has the final word in a dispute
# They follow the models from the dataset to the rollout, where no member data is shown.
OBSERVERS: frozenset[Role | Scope] = frozenset({"operator", "lead", "auditor", "observe"})

PERMISSIONS: Mapping[Right, frozenset[Role | Scope]] = {
    # What a case comes to, and who works here, is for people alone: no scope has these.
    "work": frozenset(REVIEWERS),
    "manage_reviewers": frozenset({"lead"}),
    "manage_users": frozenset({"operator"}),
    "read_audit": frozenset({"auditor"}),
    "own_account": frozenset(ROLES),
    "advance_rollouts": frozenset({"operator"}),
    "confirm_imports": frozenset({"operator", "lead"}),
    "see_counts": frozenset({*ROLES, "observe", "read_reviews"}),
    "see_reviews": frozenset({*REVIEWERS, "auditor", "read_reviews"}),
    "list_reviews": frozenset({"senior", "lead", "auditor", "read_reviews"}),
    "read_cases": frozenset({"senior", "lead", "read_reviews"}),
    "read_statistics": frozenset({"lead", "auditor", "observe"}),
    "request_predictions": frozenset({"operator", "submit"}),
    "read_served_models": OBSERVERS,
    "read_datasets": OBSERVERS,
    "release_datasets": frozenset({"operator", "operate"}),
    "import_cases": frozenset({"operator", "import"}),
    "read_training_runs": OBSERVERS,
    "retry_training_runs": frozenset({"operator", "operate"}),
    "read_evaluations": OBSERVERS,
    "retry_evaluations": frozenset({"operator", "operate"}),
    "read_rollouts": OBSERVERS,
    "stop_rollouts": frozenset({"operator", "operate"}),
}
# Where a person has to be signed in, whatever a token's scopes are.
PEOPLE_ONLY: frozenset[Right] = frozenset(
    right for right, holders in PERMISSIONS.items() if holders.isdisjoint(SCOPES)
)

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
