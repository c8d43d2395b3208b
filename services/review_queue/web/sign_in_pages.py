"""The pages of signing in and out. Afterwards everybody is where they wanted to go."""

from typing import Annotated

from fastapi import APIRouter, Form, Request, Response

from services.review_queue.api.account_routes import set_cookie
from services.review_queue.api.state import AccountsDep, SecureCookies
from services.review_queue.people.identity import COOKIE, refuse_foreign
from services.review_queue.people.users import LockedOut, WrongPassword
from services.review_queue.web.navigation import own_page, see_other, start
from services.review_queue.web.pages import PagesDep
from shared.auth.principal import Person, address_of, identify
from shared.http.errors import status_of

router = APIRouter(include_in_schema=False)


@router.get("/sign-in")
async def sign_in_page(request: Request, pages: PagesDep, back: str = "") -> Response:
    if (actor := await identify(request)) is not None:
        return see_other(own_page(back) or start(actor))
    return pages.render(request, "sign_in.html", principal=None, problem="", name="", back=back)


@router.post("/sign-in")
async def sign_in(
    request: Request,
    pages: PagesDep,
    accounts: AccountsDep,
    secure: SecureCookies,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "",
) -> Response:
    refuse_foreign(request)
    try:
        session = await accounts.sign_in(name, password, address=address_of(request))
    except (WrongPassword, LockedOut) as error:
        return pages.render(
            request,
            "sign_in.html",
            status=status_of(error),
            principal=None,
            problem=error.reason,
            name=name,
            back=back,
        )
    response = see_other(own_page(back) or start(session.person))
    set_cookie(response, session, secure=secure)
    return response


@router.post("/sign-out")
async def sign_out(request: Request, accounts: AccountsDep) -> Response:
    refuse_foreign(request)
    actor, token = await identify(request), request.cookies.get(COOKIE)
    if isinstance(actor, Person) and token is not None:
        await accounts.sign_out(token, by=actor)
    response = see_other("/sign-in")
    response.delete_cookie(COOKIE)
    return response
