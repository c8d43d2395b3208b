"""The pages that each role is offered, from the same table that lets it in, and the ways there."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from fastapi import Request
from fastapi.responses import RedirectResponse

from shared.auth.permissions import Right
from shared.auth.principal import Actor, Person


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


@dataclass(frozen=True)
class PageLinks:
    """Addresses of a list's next page and of the one before; empty where there is none."""

    next: str = ""
    previous: str = ""


PASSWORD_PAGE = "/password"  # noqa: S105
LINKS = (
    Link("/", "Review", "work"),
    Link("/my-work", "My work", "work"),
    Link("/queue", "Queue", "see_counts", under=("/reviews",)),
    Link("/reviewers", "Reviewers", "read_statistics"),
    Link("/agreement", "Agreement", "read_statistics"),
    Link("/audit", "Audit", "read_audit"),
)


def start(actor: Actor | None) -> str:
    """Leads have come to look: the review page would take cases out of the queue for them."""
    if isinstance(actor, Person) and actor.one_time_password:
        return PASSWORD_PAGE
    looks = actor and (actor.may("manage_reviewers") or not actor.may("work"))
    return "/queue" if looks else "/"


def links(actor: Actor) -> tuple[Link, ...]:
    """None before they have a password of their own."""
    if isinstance(actor, Person) and actor.one_time_password:
        return ()
    return tuple(link for link in LINKS if actor.may(link.right))


def address(path: str, params: Mapping[str, str], **changes: object) -> str:
    """The same page with some of its parameters changed; None takes one away."""
    changed = {**params, **changes}
    kept = {name: value for name, value in changed.items() if value not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def see_other(path: str) -> RedirectResponse:
    return RedirectResponse(path, status_code=303)


def to_sign_in(request: Request) -> RedirectResponse:
    """And from there back to where somebody wanted to go."""
    back = own_page(f"{request.url.path}?{request.url.query}".rstrip("?"))
    return see_other(f"/sign-in?{urlencode({'back': back})}" if back else "/sign-in")


def own_page(address: str) -> str:
    """The address if it is one of our own pages other than the first, else nothing."""
    parts = urlsplit(address)
    own = address.startswith("/") and not (parts.scheme or parts.netloc or "\\" in address)
    return address if own and parts.path != "/" else ""
