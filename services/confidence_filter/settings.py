"""The filter's settings."""

from decimal import Decimal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.events.base import InclusionProbability
from shared.services import PORTS
from shared.settings import DrawingSettings


class Settings(DrawingSettings):
    model_config = SettingsConfigDict(env_prefix="CONFIDENCE_FILTER_", extra="ignore")

    port: int = PORTS["confidence_filter"]
    batch_records: int = Field(default=500, ge=1)
    # Of the cases that could be accepted, this share goes to the experts all the same. Without
    # it nobody would ever see the errors among the accepted ones. Twice as many audits let fewer
    # releases end without enough effective cases (docs/log.md has the numbers).
    audit_rate: InclusionProbability = 0.05
    # Above this many US dollars at stake, only people decide.
    amount_limit: Decimal = Field(default=Decimal(10_000), ge=0)
