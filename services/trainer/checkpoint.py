"""Where a training run stands, so that after a kill it resumes as if nothing had happened."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer


@dataclass
class TrainingState:
    """Everything that the remaining steps depend on; the order of cases follows from the seed."""

    fingerprint: str  # of recipe and cases: the checkpoint of another run is not resumed
    step: int = 0  # steps done
    adapter: dict[str, Tensor] = field(default_factory=dict)
    optimizer: dict[str, Any] = field(default_factory=dict)
    best_adapter: dict[str, Tensor] = field(default_factory=dict)
    best_loss: float = float("inf")
    worse_epochs: int = 0  # since the best one
    tokens: int = 0
    seconds: float = 0.0
    losses: list[float] = field(default_factory=list)  # of each step
    validation_losses: list[tuple[int, float]] = field(default_factory=list)  # after which step

    def add_step(self, loss: float, *, tokens: int, seconds: float) -> None:
        """One step is done."""
        self.step += 1
        self.losses.append(loss)
        self.tokens += tokens
        self.seconds += seconds

    def add_validation(self, validation_loss: float, adapter: Mapping[str, Tensor]) -> None:
        """An epoch is done. A loss that is no number is never the best."""
        self.validation_losses.append((self.step, validation_loss))
        if validation_loss < self.best_loss:
            self.best_loss = validation_loss
            self.best_adapter = _copy(adapter)
            self.worse_epochs = 0
        else:
            self.worse_epochs += 1

    def measures(self, steps: int) -> dict[str, Any]:
        """For the progress; useful tokens, padding not counted."""
        return {
            "step": self.step,
            "loss": round(self.losses[-1], 4),
            "validation_loss": self.validation_losses[-1][1] if self.validation_losses else None,
            "tokens_per_second": round(self.tokens / self.seconds, 1),
            "eta_seconds": round((steps - self.step) * self.seconds / self.step, 1),
        }

    def summary(self) -> dict[str, Any]:
        """For the metrics of the run."""
        return {
            "steps": self.step,
            "loss": self.losses[-1],
            "tokens": self.tokens,
            "training_seconds": round(self.seconds, 1),
            "tokens_per_second": round(self.tokens / self.seconds, 1),
            "losses": self.losses,
            "validation_losses": self.validation_losses,
        }

    def save(self, adapter: Mapping[str, Tensor], optimizer: Optimizer, directory: Path) -> None:
        """Replace the checkpoint at once: a kill leaves the old one or the new one."""
        self.adapter = _copy(adapter)
        self.optimizer = optimizer.state_dict()
        directory.mkdir(parents=True, exist_ok=True)
        part = directory / "state.part"
        torch.save(vars(self), part)
        part.replace(directory / "state.pt")

    def restore(self, adapter: Mapping[str, Tensor], optimizer: Optimizer) -> None:
        if self.step > 0:
            for name, parameter in adapter.items():
                parameter.data.copy_(self.adapter[name])
            optimizer.load_state_dict(self.optimizer)


def load(directory: Path, *, fingerprint: str) -> TrainingState:
    """The newest checkpoint of that run, or its beginning."""
    path = directory / "state.pt"
    if path.exists():
        state = TrainingState(**torch.load(path, weights_only=True, map_location="cpu"))
        if state.fingerprint == fingerprint:
            return state
    return TrainingState(fingerprint)


def _copy(adapter: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: parameter.detach().cpu().clone() for name, parameter in adapter.items()}
