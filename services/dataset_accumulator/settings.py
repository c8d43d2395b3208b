"""The accumulator's settings."""

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.dataset_accumulator.releasing.schedule import Schedule
from services.dataset_accumulator.splits import read_shares
from shared.errors import Rejected
from shared.services import PORTS
from shared.settings import DrawingSettings


class Settings(DrawingSettings):
    model_config = SettingsConfigDict(env_prefix="DATASET_ACCUMULATOR_", extra="ignore")

    port: int = PORTS["dataset_accumulator"]
    batch_records: int = Field(default=500, ge=1)
    import_limit_bytes: int = Field(default=2 * 1024**3, ge=1)  # read as it arrives, never whole
    # A release is due at so many new labels of the split `train`, …
    label_threshold: int = Field(default=500, ge=1, validation_alias="LABEL_THRESHOLD")
    # … and at these times (cron, UTC), if there are at least so many.
    release_schedule: str = Field(default="0 3 * * 0", validation_alias="RELEASE_SCHEDULE")
    release_minimum_labels: int = Field(default=50, ge=1, validation_alias="RELEASE_MINIMUM_LABELS")
    # Of groups that are new. Whoever has a split keeps it, whatever stands here later.
    split_shares: str = "train=0.7,validation=0.05,calibration=0.1,certification=0.05,test=0.1"

    # Whether an import waits until somebody else than who brought it has confirmed it.
    imports_need_confirmation: bool = True
    # Whether imported labels may also test models. Only to try the loop out: a model is then
    # measured by what it was fed.
    imports_may_test: bool = False

    @field_validator("release_schedule")
    @classmethod
    def _is_schedule(cls, text: str) -> str:
        Schedule.parse(text)
        return text

    @field_validator("split_shares")
    @classmethod
    def _are_shares(cls, text: str) -> str:
        try:
            read_shares(text)
        except Rejected as error:
            raise ValueError(error.reason) from None
        return text
