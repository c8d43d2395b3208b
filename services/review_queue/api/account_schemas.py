"""What goes in and out of the HTTP API of sessions and users."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from services.review_queue.api.fields import Input

Password = Annotated[SecretStr, Field(max_length=200)]


class Credentials(Input):
    name: Annotated[str, Field(max_length=200)]
    password: Password


class CurrentSessionView(BaseModel):
    """Who has signed in. `one_time_password`: they can only change it."""

    name: str
    role: str
    one_time_password: bool
    expires_at: datetime


class SessionView(CurrentSessionView):
    """Send the token as bearer token, to any service; a browser has it as cookie too."""

    token: str


class PasswordChange(Input):
    """`current` is the password so far, `password` the new one."""

    current: Password
    password: Password


class NewUser(Input):
    name: Annotated[str, Field(max_length=200)]
    role: str


class NewUserView(BaseModel):
    """The password is good for one sign-in, and shown only here."""

    name: str
    role: str
    one_time_password: str


class UserChange(Input):
    active: bool


class PasswordResetView(BaseModel):
    """`paused`: they are a reviewer, and get no case until the lead lets them work again."""

    name: str
    one_time_password: str
    paused: bool


class UserView(BaseModel):
    """`simulated`: a script. `one_time_password`: they have not chosen their own yet."""

    name: str
    role: str
    active: bool
    simulated: bool
    one_time_password: bool
