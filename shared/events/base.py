"""What every event has: an identity that a redelivery reproduces, a time, and a key.

Events are frozen and ignore unknown fields, so that a consumer survives additions. A breaking
change is a new class on a new topic.
"""

from functools import cached_property
from typing import Annotated, Any, ClassVar, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, computed_field

from shared.tasks.fields import ClaimNumber

_NAMESPACE = uuid5(NAMESPACE_URL, "https://caseloop.dev/events")

Identifier = Annotated[str, Field(min_length=1, max_length=128, pattern=r"^[A-Za-z0-9][\w.:\-]*$")]
ClaimId = ClaimNumber  # in whatever form payers write them
Attempt = Annotated[int, Field(ge=1, le=1000)]  # at a case
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
# No label stands for more than a thousand cases: one of a billion would decide every measure.
LEAST_INCLUSION = 1e-3
InclusionProbability = Annotated[float, Field(ge=LEAST_INCLUSION, le=1.0)]
Source = Literal["model", "human"]


class Frozen(BaseModel):
    """A value inside an event."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Event(Frozen):
    """Something that happened. `event_id` is derived, never read: the same fact has the same id."""

    type: ClassVar[str]

    occurred_at: AwareDatetime

    @computed_field  # type: ignore[prop-decorator]
    @cached_property
    def event_id(self) -> UUID:
        return uuid5(_NAMESPACE, f"{self.type}|{self.natural_key}|{self.event_revision}")

    @property
    def natural_key(self) -> str:
        """What the event is about, unique together with its type and revision."""
        raise AssertionError("every event names its own")

    @property
    def event_revision(self) -> int:
        return 0

    @property
    def key(self) -> str:
        """The entity whose order matters: the record's key."""
        raise AssertionError("every event names its own")


class ArtifactRef(Frozen):
    """A file in object storage. Whoever reads it checks the hash."""

    uri: Annotated[str, Field(pattern=r"^s3://[^/]+/.+")]
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=0)]


Input = dict[str, Any]
