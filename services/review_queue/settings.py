"""The review queue's settings."""

from datetime import timedelta
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from services.review_queue.reviewing.review import Shares
from shared.services import PORTS
from shared.settings import DrawingSettings

Share = Annotated[float, Field(ge=0, le=1)]


class Settings(DrawingSettings):
    model_config = SettingsConfigDict(env_prefix="REVIEW_QUEUE_", extra="ignore")

    port: int = PORTS["review_queue"]
    # A decision with everything written at full length, each character escaped.
    body_limit_bytes: int = Field(default=256 * 1024, ge=64 * 1024)
    batch_records: int = Field(default=500, ge=1)
    connections: int = Field(default=8, ge=1)  # to PostgreSQL, besides the relay's own
    lease_seconds: float = Field(default=300, gt=0)
    leases_per_reviewer: int = Field(default=3, ge=1)  # the case at hand, and prefetched ones
    undo_seconds: float = Field(default=10, ge=0)  # before a decision leaves
    # Before a skipped case comes back to the same reviewer.
    skip_seconds: float = Field(default=1800, ge=0)
    session_hours: float = Field(default=12, gt=0)
    correction_hours: float = Field(default=24, ge=0)  # how long its author can change a decision
    # Of each task's reviews, the share that several reviewers see and the share that is blind: the
    # model's answer is hidden until the reviewer has one of their own. Of single tasks as JSON, for
    # example {"adjudication": 0.2}.
    overlap_share: Share = 0.1
    overlap_shares: dict[str, Share] = Field(default_factory=dict)
    overlap_opinions: int = Field(default=2, ge=2, le=3)  # how many reviewers those are
    blind_share: Share = 0.1
    blind_shares: dict[str, Share] = Field(default_factory=dict)
    sign_in_failures: int = Field(default=10, ge=1)  # in a row; then the name is locked
    address_failures: int = Field(default=100, ge=1)  # of all names from one address
    lockout_seconds: float = Field(default=300, gt=0)
    secure_cookies: bool = False  # on behind TLS
    # Users that exist from the start: comma-separated `name:role:password`.
    bootstrap_users: SecretStr = SecretStr("")
    # The same for scripts that sign in as people do: what they say is marked as simulated.
    simulated_users: SecretStr = SecretStr("")

    @property
    def lease(self) -> timedelta:
        return timedelta(seconds=self.lease_seconds)

    @property
    def undo(self) -> timedelta:
        return timedelta(seconds=self.undo_seconds)

    @property
    def skip(self) -> timedelta:
        return timedelta(seconds=self.skip_seconds)

    @property
    def correction(self) -> timedelta:
        return timedelta(hours=self.correction_hours)

    def shares_of(self, task: str) -> Shares:
        return Shares(
            overlap=self.overlap_shares.get(task, self.overlap_share),
            blind=self.blind_shares.get(task, self.blind_share),
            opinions=self.overlap_opinions,
        )

    @property
    def session(self) -> timedelta:
        return timedelta(hours=self.session_hours)

    @property
    def lockout(self) -> timedelta:
        return timedelta(seconds=self.lockout_seconds)
