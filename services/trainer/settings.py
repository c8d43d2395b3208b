"""The trainer's settings."""

import tempfile
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.trainer.strategies import DEFAULT_STRATEGY, STRATEGIES
from services.trainer.strategies.strategy import LONGEST_PROMPT_TOKENS, Quantization
from services.trainer.training_window import TrainingWindow
from shared.models.base_model import SMOLLM2
from shared.services import PORTS
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TRAINER_", extra="ignore")

    port: int = PORTS["trainer"]
    strategy: str = DEFAULT_STRATEGY
    base_model: str = SMOLLM2  # as registered under s3://models/base/
    quantization: Quantization = "none"
    recipe: Path | None = None  # a JSON file with settings of the recipe
    # Of a case that a language model learns from; its versions answer no longer one.
    longest_prompt_tokens: int = Field(default=LONGEST_PROMPT_TOKENS, ge=1)
    major: int = Field(default=1, ge=0)  # versions are <task>-v<major>.<number>
    work_directory: Path = Path(tempfile.gettempdir()) / "caseloop-training"
    training_window: str = Field(default="", validation_alias="TRAINING_WINDOW")  # 02:00-06:00, UTC
    max_concurrent_runs: int = Field(default=1, ge=1, validation_alias="MAX_CONCURRENT_RUNS")
    attempts: int = Field(default=3, ge=1)  # of a run that is killed
    lease_seconds: float = Field(default=30.0, gt=0)

    @field_validator("strategy")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in STRATEGIES:
            raise ValueError(f"must be one of {', '.join(STRATEGIES)}")
        return name

    @field_validator("training_window")
    @classmethod
    def _readable(cls, text: str) -> str:
        TrainingWindow.parse(text)
        return text
