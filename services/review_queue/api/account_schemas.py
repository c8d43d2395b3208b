"""What goes in and out of the HTTP API of sessions and users."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr

from services.review_queue.api.fields import Input


class Credentials(Input):
    name: Annotated[str, Field(max_length=200)]
    password: Annotated[SecretStr, Field(max_length=200)]


class SessionView(BaseModel):
    """Send the token as bearer token; a browser has it as cookie too."""

    token: str
    name: str
    role: str
    expires_at: datetime


class NewUser(Credentials):
    role: str


class UserChange(Input):
    """What is left out stays as it is."""

    active: bool | None = None
    password: Annotated[SecretStr, Field(max_length=200)] | None = None


class UserView(BaseModel):
    name: str
    role: str
    active: bool
