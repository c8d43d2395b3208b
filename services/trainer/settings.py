"""The trainer's settings."""

import tempfile
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.trainer.hyperparameters import LONGEST_PROMPT_TOKENS
from services.trainer.training_window import Window
from shared.services import PORTS
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="TRAINER_", extra="ignore")

    port: int = PORTS["trainer"]
    strategy: Literal["lora", "linear"] = "lora"
    base_model: str = "SmolLM2-135M-Instruct"  # as registered under s3://models/base/
    quantization: Literal["none", "nf4", "int8"] = "none"
    recipe: Path | None = None  # a JSON file with settings of the recipe
    # Of a case that a language model learns from; its versions answer no longer one.
    longest_prompt_tokens: int = Field(default=LONGEST_PROMPT_TOKENS, ge=1)
    major: int = Field(default=1, ge=0)  # versions are <task>-v<major>.<number>
    work_directory: Path = Path(tempfile.gettempdir()) / "caseloop-training"
    training_window: str = Field(default="", validation_alias="TRAINING_WINDOW")  # 02:00-06:00, UTC
    max_concurrent_runs: int = Field(default=1, ge=1, validation_alias="MAX_CONCURRENT_RUNS")
    attempts: int = Field(default=3, ge=1)  # of a run that is killed
    lease_seconds: float = Field(default=30.0, gt=0)

    @field_validator("training_window")
    @classmethod
    def _readable(cls, text: str) -> str:
        Window.parse(text)
        return text
