"""Signing in and out over the API, and the users."""

from fastapi import APIRouter, Request, Response

from services.review_queue.api.account_schemas import (
    Credentials,
    CurrentSessionView,
    NewUser,
    NewUserView,
    PasswordChange,
    PasswordResetView,
    SessionView,
    UserChange,
    UserView,
)
from services.review_queue.api.fields import UserName
from services.review_queue.api.problems import PROBLEMS, Problem
from services.review_queue.api.state import AccountsDep, ReviewersDep, SecureCookies
from services.review_queue.people.access import Operator, SignedIn
from services.review_queue.people.identity import COOKIE, refuse_foreign, session_token
from services.review_queue.people.users import Session, normalize_name
from shared.auth.principal import address_of
from shared.errors import Unauthenticated

_LOCKED: dict[int | str, dict[str, object]] = {
    429: {"model": Problem, "description": "Too many failures; wait"}
}
router = APIRouter(prefix="/v1", tags=["accounts"], responses=PROBLEMS)


@router.post("/sessions", status_code=201, responses=_LOCKED)
async def sign_in(
    body: Credentials,
    request: Request,
    response: Response,
    accounts: AccountsDep,
    secure: SecureCookies,
) -> SessionView:
    """Sign in with name and password. With a one-time password, nothing but changing it works."""
    refuse_foreign(request)
    session = await accounts.sign_in(
        body.name, body.password.get_secret_value(), address=address_of(request)
    )
    set_cookie(response, session, secure=secure)
    return SessionView(token=session.token, **vars(_current(session)))


@router.get("/sessions/current")
async def current_session(
    _: SignedIn, request: Request, accounts: AccountsDep
) -> CurrentSessionView:
    """Whose session this is: other services ask it of whoever calls them."""
    session = await accounts.session(session_token(request) or "", address=address_of(request))
    if session is None:
        raise Unauthenticated("the session is over")
    return _current(session)


@router.delete("/sessions", status_code=204)
async def sign_out(
    caller: SignedIn, request: Request, response: Response, accounts: AccountsDep
) -> None:
    """End the session that this request was sent with."""
    token = session_token(request)
    if token is not None:
        await accounts.sign_out(token, by=caller)
    response.delete_cookie(COOKIE)


@router.post("/password", status_code=204, responses=_LOCKED)
async def change_password(
    body: PasswordChange, caller: SignedIn, request: Request, accounts: AccountsDep
) -> None:
    """Choose a password of one's own. One's other sessions end."""
    await accounts.change_password(
        session_token(request) or "",
        body.current.get_secret_value(),
        body.password.get_secret_value(),
        by=caller,
    )


@router.post("/users", status_code=201)
async def create_user(body: NewUser, caller: Operator, accounts: AccountsDep) -> NewUserView:
    """Create a user, who signs in once with the password that this answers with."""
    password = await accounts.create(body.name, body.role, by=caller)
    return NewUserView(name=normalize_name(body.name), role=body.role, one_time_password=password)


@router.get("/users")
async def list_users(_: Operator, accounts: AccountsDep) -> list[UserView]:
    """Everybody who could ever sign in."""
    return [UserView(**user) for user in await accounts.users()]


@router.patch("/users/{name}", status_code=204)
async def change_user(
    name: UserName, body: UserChange, caller: Operator, accounts: AccountsDep
) -> None:
    """Disable users (`active: false`), or enable them again."""
    await accounts.set_active(normalize_name(name), active=body.active, by=caller)


@router.post("/users/{name}/password-reset", status_code=201)
async def reset_password(
    name: UserName, caller: Operator, accounts: AccountsDep, reviewers: ReviewersDep
) -> PasswordResetView:
    """A one-time password for somebody who has forgotten theirs; their sessions end. A reviewer
    gets no case until the lead lets them work again: the operator, too, has this password.
    """
    name = normalize_name(name)
    paused = await reviewers.pause_for_reset(name, by=caller)
    password = await accounts.reset_password(name, by=caller)
    return PasswordResetView(name=name, one_time_password=password, paused=paused)


def _current(session: Session) -> CurrentSessionView:
    person = session.person
    return CurrentSessionView(
        name=person.name,
        role=person.role,
        one_time_password=person.one_time_password,
        expires_at=session.expires_at,
    )


def set_cookie(response: Response, session: Session, *, secure: bool) -> None:
    """Scripts in a page never see it, and other sites' pages never send it with a change."""
    response.set_cookie(
        COOKIE,
        session.token,
        expires=session.expires_at,
        path="/",
        httponly=True,
        samesite="lax",
        secure=secure,
    )
