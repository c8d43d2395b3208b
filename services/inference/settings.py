"""The inference service's settings."""

import tempfile
from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.services import PORTS
from shared.settings import DrawingSettings


class Settings(DrawingSettings):
    model_config = SettingsConfigDict(env_prefix="INFERENCE_", extra="ignore")

    port: int = PORTS["inference"]
    batch_records: int = Field(default=64, ge=1)  # cases taken from Kafka at a time
    batch_seconds: float = Field(default=0.5, gt=0)  # of model work before others get their turn
    waiting_cases: int = Field(default=2000, ge=1)  # above that, HTTP answers 503
    model_cache: Path = Path(tempfile.gettempdir()) / "caseloop-models"
    device: str = "auto"
