"""The pages that each role is offered, from the same table that lets it in, and where it starts."""

from dataclasses import dataclass

from shared.auth.permissions import Right
from shared.auth.principal import Actor


@dataclass(frozen=True)
class Link:
    """A page in the bar. `under`: where the pages below it live, if elsewhere."""

    path: str
    title: str
    right: Right
    under: tuple[str, ...] = ()

    def covers(self, path: str) -> bool:
        """Whether the page at this path is this one or below it."""
        bases = [base for base in (self.path, *self.under) if base != "/"]
        return path == self.path or any(f"{path}/".startswith(f"{base}/") for base in bases)


LINKS = (
    Link("/", "Review", "work"),
    Link("/my-work", "My work", "work"),
    Link("/queue", "Queue", "see_counts", under=("/reviews",)),
    Link("/reviewers", "Reviewers", "read_statistics"),
    Link("/agreement", "Agreement", "read_statistics"),
    Link("/audit", "Audit", "read_audit"),
)


def start(actor: Actor | None) -> str:
    """A lead has come to look: the review page would take cases out of the line for him."""
    looks = actor and (actor.may("manage_reviewers") or not actor.may("work"))
    return "/queue" if looks else "/"


def links(actor: Actor) -> tuple[Link, ...]:
    return tuple(link for link in LINKS if actor.may(link.right))
