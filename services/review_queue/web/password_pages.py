"""The page on which everybody chooses their own password: before anything else where somebody else
made the one that they have, and then it says who did and when.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.review_queue.api.state import AccountsDep
from services.review_queue.people.access import SignedIn
from services.review_queue.people.identity import session_token
from services.review_queue.people.passwords import MINIMUM_PASSWORD
from services.review_queue.web.navigation import PASSWORD_PAGE, see_other
from services.review_queue.web.pages import PagesDep
from shared.auth.principal import Person
from shared.errors import Rejected
from shared.http.errors import status_of

router = APIRouter(include_in_schema=False)
_CHANGED = f"{PASSWORD_PAGE}?changed=1"


@router.get(PASSWORD_PAGE)
async def password_page(
    request: Request, caller: SignedIn, pages: PagesDep, accounts: AccountsDep, changed: str = ""
) -> Response:
    return await _render(request, caller, pages, accounts, changed=bool(changed))


@router.post(PASSWORD_PAGE)
async def change_password(
    request: Request,
    caller: SignedIn,
    pages: PagesDep,
    accounts: AccountsDep,
    current: Annotated[str, Form(max_length=200)] = "",
    password: Annotated[str, Form(max_length=200)] = "",
    again: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    try:
        if password != again:
            raise Rejected("is not the same in both fields", field="again")
        await accounts.change_password(session_token(request) or "", current, password, by=caller)
    except Rejected as refused:
        return await _render(request, caller, pages, accounts, refused=refused)
    return see_other(_CHANGED)


async def _render(
    request: Request,
    caller: Person,
    pages: PagesDep,
    accounts: AccountsDep,
    *,
    refused: Rejected | None = None,
    changed: bool = False,
) -> Response:
    return pages.render(
        request,
        "password.html",
        status=status_of(refused) if refused else 200,
        principal=caller,
        origin=await accounts.password_origin(caller.name),
        minimum=MINIMUM_PASSWORD,
        problem=refused,
        changed=changed,
    )
