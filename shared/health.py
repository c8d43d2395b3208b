"""Whether a service is ready, and if not, why: one reason a part, shown by `/health/ready`."""

from dataclasses import dataclass, field


@dataclass
class Health:
    """Parts report a reason while they cannot work and clear it when they can again."""

    reasons: dict[str, str] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)  # works, but somebody should look

    def waiting(self, part: str, reason: str) -> None:
        self.reasons[part] = reason

    def ready(self, part: str) -> None:
        self.reasons.pop(part, None)

    def alert(self, part: str, reason: str) -> None:
        self.alerts[part] = reason

    def clear_alert(self, part: str) -> None:
        self.alerts.pop(part, None)

    @property
    def is_ready(self) -> bool:
        return not self.reasons
