"""Signing in and out over the API, and the users."""

from fastapi import APIRouter, Request, Response

from services.review_queue.api.account_schemas import (
    Credentials,
    NewUser,
    SessionView,
    UserChange,
    UserView,
)
from services.review_queue.api.fields import UserName
from services.review_queue.api.problems import PROBLEMS, Problem
from services.review_queue.api.state import AccountsDep, SecureCookies
from services.review_queue.people.access import Operator, SignedIn
from services.review_queue.people.identity import COOKIE, refuse_foreign, session_token
from services.review_queue.people.users import Session, User, normalize_name
from shared.auth.principal import address_of
from shared.errors import NotFound

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
    """Sign in with name and password."""
    refuse_foreign(request)
    session = await accounts.sign_in(
        body.name, body.password.get_secret_value(), address=address_of(request)
    )
    set_cookie(response, session, secure=secure)
    return SessionView(
        token=session.token,
        name=session.principal.name,
        role=session.principal.role,
        expires_at=session.expires_at,
    )


@router.delete("/sessions", status_code=204)
async def sign_out(
    caller: SignedIn, request: Request, response: Response, accounts: AccountsDep
) -> None:
    """End the session that this request was sent with."""
    token = session_token(request)
    if token is not None:
        await accounts.sign_out(token, by=caller)
    response.delete_cookie(COOKIE)


@router.post("/users", status_code=201)
async def create_user(body: NewUser, caller: Operator, accounts: AccountsDep) -> UserView:
    """Create a user who can sign in."""
    user = User(normalize_name(body.name), body.role, body.password.get_secret_value())
    await accounts.create(user, by=caller)
    return UserView(name=user.name, role=user.role, active=True)


@router.get("/users")
async def list_users(_: Operator, accounts: AccountsDep) -> list[UserView]:
    """Everybody who could ever sign in."""
    return [UserView(**user) for user in await accounts.users()]


@router.patch("/users/{name}", status_code=204)
async def change_user(
    name: UserName, body: UserChange, caller: Operator, accounts: AccountsDep
) -> None:
    """Disable users (`active: false`), enable them again, or set their password."""
    password = body.password.get_secret_value() if body.password else None
    known = await accounts.change(
        normalize_name(name), active=body.active, password=password, by=caller
    )
    if not known:
        raise NotFound("no such user")


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
