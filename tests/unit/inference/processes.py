"""A serving process whose object storage is unavailable: as after a restart, it has only its disk.

Its models are real ones that trip over certain words of a case and explain when they are let.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Semaphore

import numpy as np

from services.inference.batching import MicroBatcher
from services.inference.prediction import Predictor
from services.inference.serving import Serving
from shared.errors import Rejected
from shared.events import Case, ServedModel
from shared.health import Health
from shared.models.backend import LabelScores
from shared.models.backends.linear import LinearBackend
from shared.models.backends.linear_model import LinearModel
from shared.models.pool import ModelPool
from shared.settings import EngineSettings
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import ModelCache
from shared.tasks.task import Prompt
from tests.support.builders.events import ADJUDICATION, NOW, case, claim_input, trained
from tests.support.draw_key import KEY
from tests.support.patience import PATIENCE_SECONDS

AWAY = EngineSettings(s3_endpoint="127.0.0.1:9")  # nothing listens there
V0, V1 = "adjudication-v1.0", "adjudication-v1.1"

UNREADABLE = "unreadable"  # the version rejects the case
SPEECHLESS = "speechless"  # the version fails to explain it
UNLUCKY = "unlucky"  # the version fails on it
UNLUCKY_FOR_V1 = f"unlucky-for-{V1}"
UNREADABLE_FOR_V1 = f"unreadable-for-{V1}"


@dataclass
class Explaining:
    """So many explanations may be given; `asked` is set once the first one is asked for."""

    allowed: Semaphore
    asked: Event = field(default_factory=Event)


@dataclass
class Particular(LinearBackend):
    explaining: Explaining

    def __post_init__(self) -> None:
        super().__init__()

    def score(
        self, version: str, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[LabelScores]:
        words = {word for prompt in prompts for word in prompt.user.split()}
        if words & {UNREADABLE, f"{UNREADABLE}-for-{version}"}:
            raise Rejected("the prompt is longer than the model reads")
        if words & {UNLUCKY, f"{UNLUCKY}-for-{version}"}:
            raise RuntimeError("the processor is on fire")
        return super().score(version, prompts, labels)

    def explain(self, version: str, prompt: Prompt, label: str, *, max_tokens: int = 64) -> str:
        self.explaining.asked.set()
        self.explaining.allowed.acquire(timeout=PATIENCE_SECONDS)
        if SPEECHLESS in prompt.user.split():
            raise RuntimeError("out of memory")
        return super().explain(version, prompt, label, max_tokens=max_tokens)


def new_serving(disk: Path, *, explaining: Explaining | None = None) -> Serving:
    """Explanations come when `explaining` lets them, or at once."""
    backend = Particular(explaining or Explaining(Semaphore(100)))
    cache = ModelCache(Artifacts(AWAY), disk)
    return Serving(ModelPool(cache, "cpu", lambda *_: backend), Health())


def new_batcher(
    serving: Serving, *, batch_seconds: float = 0.5, waiting_cases: int = 100
) -> MicroBatcher:
    return MicroBatcher(Predictor(serving, lambda: NOW, KEY), batch_seconds, waiting_cases)


@asynccontextmanager
async def running(serving: Serving) -> AsyncIterator[MicroBatcher]:
    """The process at work, once all champions that are wanted were tried."""
    batcher = new_batcher(serving)
    tasks = [asyncio.create_task(loop()) for loop in (serving.run, batcher.run)]
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await serving.settled()
        yield batcher
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def away(version: str) -> ServedModel:
    """A version that lies in object storage only."""
    model = trained(version)
    sha256 = hashlib.sha256(version.encode()).hexdigest()
    manifest = model.manifest.model_copy(update={"sha256": sha256})
    return ServedModel(model=model.model_copy(update={"manifest": manifest}), threshold=0.9)


def on_disk(disk: Path, version: str) -> ServedModel:
    """A version that this machine has fetched before."""
    served, labels = away(version), ADJUDICATION.label_names
    random = np.random.default_rng(len(list(disk.iterdir())))
    coefficients = random.normal(size=(len(labels), 2**10)).astype(np.float32)
    model = LinearModel(labels, coefficients, np.zeros(len(labels), np.float32))
    model.save(disk / served.model.manifest.sha256)
    return served


def noted(note: str, number: int = 0) -> Case:
    return case(f"case-{number}", input=claim_input(clinical_note=note))
