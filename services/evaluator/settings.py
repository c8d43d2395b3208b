"""The evaluator's settings."""

import tempfile
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.evaluator.evaluation_request import GateSettings
from shared.services import PORTS
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="EVALUATOR_", extra="ignore")

    port: int = PORTS["evaluator"]
    # Of what is accepted without a human, at most this share may be wrong.
    tolerated_error: float = Field(default=0.05, gt=0.0, lt=1.0)
    unanswered_share: float = Field(default=0.1, ge=0.0, le=1.0)  # more of the cases unread fails
    margin: float = Field(default=0.02, ge=0.0, lt=1.0)  # in accuracy; a loss up to it passes
    minimum_effective_cases: float = Field(default=100.0, ge=1.0)
    resamples: int = Field(default=2000, ge=100)
    model_cache: Path = Path(tempfile.gettempdir()) / "caseloop-evaluator-models"
    device: str = "auto"
    attempts: int = Field(default=3, ge=1)  # of a job that is killed
    lease_seconds: float = Field(default=30.0, gt=0)

    @property
    def gate(self) -> GateSettings:
        return GateSettings(
            margin=self.margin,
            minimum_effective_cases=self.minimum_effective_cases,
            tolerated_error=self.tolerated_error,
            unanswered_share=self.unanswered_share,
            resamples=self.resamples,
        )
