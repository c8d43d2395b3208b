"""Where the engines are and who may call: the settings that every service shares.

The names are the environment's own (`KAFKA_BOOTSTRAP`, …); a service's own settings have its
name as prefix.
"""

from collections.abc import Mapping

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.sampling import DrawKey, DrawKeyText
from shared.services import PORTS


class EngineSettings(BaseSettings):
    """The engines: Kafka, S3 and PostgreSQL."""

    model_config = SettingsConfigDict(extra="ignore")

    kafka_bootstrap: str = "127.0.0.1:9092"
    kafka_idempotence: bool = True  # off for brokers without producer ids
    s3_endpoint: str = "127.0.0.1:9000"
    s3_access_key: str = ""
    s3_secret_key: SecretStr = SecretStr("")
    s3_secure: bool = False
    database_url: SecretStr = SecretStr("postgresql://127.0.0.1/caseloop")


def engine_settings(environment: Mapping[str, str]) -> EngineSettings:
    """The engines that an environment names, which need not be this process's own."""
    # With the defaults written out: a field that is left out is read from this process's own.
    values = {
        name: environment.get(name.upper(), field.default)
        for name, field in EngineSettings.model_fields.items()
    }
    return EngineSettings.model_validate(values)


class ServiceSettings(BaseSettings):
    """What every service has: an address, and the callers it knows."""

    model_config = SettingsConfigDict(extra="ignore")

    host: str = Field(default="127.0.0.1", validation_alias="SERVICE_HOST")
    log_level: str = Field(default="INFO", validation_alias="LOG_LEVEL")
    log_format: str = Field(default="auto", validation_alias="LOG_FORMAT")  # auto, json, console
    api_tokens: SecretStr = Field(default=SecretStr(""), validation_alias="API_TOKENS")
    # Who has signed in there may call every service.
    review_queue_url: str = Field(
        default=f"http://127.0.0.1:{PORTS['review_queue']}", validation_alias="REVIEW_QUEUE_URL"
    )
    port: int
    # A case with all that is said of it is far smaller; what is larger is not read.
    body_limit_bytes: int = Field(default=1024 * 1024, ge=64 * 1024)
    engines: EngineSettings = Field(default_factory=EngineSettings)


class DrawingSettings(ServiceSettings):
    """What a service that draws has besides: the key, which no source and no example contains."""

    draw_key: DrawKeyText = Field(validation_alias="DRAW_KEY")

    @property
    def key(self) -> DrawKey:
        return DrawKey.parse(self.draw_key.get_secret_value())
