"""The promoter's settings: how long a stage lasts, and what ends a rollout early."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.promoter.guard import Guard
from services.promoter.state import RolloutLimits, StageLimit
from shared.events.base import LEAST_INCLUSION
from shared.services import PORTS
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="PROMOTER_", extra="ignore")

    port: int = PORTS["promoter"]
    batch_records: int = Field(default=500, ge=1)
    # A stage ends once it has had both: so many cases of the candidate's, and so much time.
    shadow_cases: int = Field(default=200, ge=0)
    shadow_seconds: float = Field(default=3600.0, ge=0)
    canary_cases: int = Field(default=500, ge=0)
    canary_seconds: float = Field(default=4 * 3600.0, ge=0)
    # Of the groups, not of the cases.
    canary_share: float = Field(default=0.25, ge=LEAST_INCLUSION, le=1 - LEAST_INCLUSION)
    # After a change of champion the guard watches on; the next candidate waits until it is over.
    full_cases: int = Field(default=500, ge=0)
    full_seconds: float = Field(default=4 * 3600.0, ge=0)
    # The guard judges from so many cases on, or when the stage would end, if that comes first.
    guard_cases: int = Field(default=50, ge=1)
    guard_failed_share: float = Field(default=0.05, ge=0.0, le=1.0)
    guard_label_mass: float = Field(default=0.5, ge=0.0, le=1.0)
    guard_accept_deviation: float = Field(default=0.25, ge=0.0, le=1.0)

    # So long an order waits until every process obeys it; then the answer names who does not.
    apply_seconds: float = Field(default=20.0, ge=0, le=25.0)  # callers wait for 30

    @property
    def limits(self) -> RolloutLimits:
        return RolloutLimits(
            shadow=StageLimit(self.shadow_cases, self.shadow_seconds),
            canary=StageLimit(self.canary_cases, self.canary_seconds),
            full=StageLimit(self.full_cases, self.full_seconds),
            share=self.canary_share,
            guard=Guard(
                cases=self.guard_cases,
                failed_share=self.guard_failed_share,
                label_mass=self.guard_label_mass,
                accept_deviation=self.guard_accept_deviation,
            ),
        )
