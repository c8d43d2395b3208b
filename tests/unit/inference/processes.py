"""A serving process whose object storage is away: it has what lies on its disk, as after a restart.

Its models are real ones that trip over certain words of a case and explain when they are let.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore

import numpy as np

from services.inference.predictor import Predictor
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

AWAY = EngineSettings(s3_endpoint="127.0.0.1:9")  # nothing listens there
V0, V1 = "adjudication-v1.0", "adjudication-v1.1"

UNREADABLE = "unreadable"  # the version rejects the case
SPEECHLESS = "speechless"  # the version fails to explain it
UNLUCKY = "unlucky"  # the version fails on it
UNLUCKY_FOR_V1 = f"unlucky-for-{V1}"


@dataclass
class Particular(LinearBackend):
    explaining: Semaphore

    def __post_init__(self) -> None:
        super().__init__()

    def score(
        self, version: str, prompts: Sequence[Prompt], labels: Sequence[str]
    ) -> list[LabelScores]:
        words = {word for prompt in prompts for word in prompt.user.split()}
        if UNREADABLE in words:
            raise Rejected("the prompt is longer than the model reads")
        if words & {UNLUCKY, f"{UNLUCKY}-for-{version}"}:
            raise RuntimeError("the processor is on fire")
        return super().score(version, prompts, labels)

    def explain(self, version: str, prompt: Prompt, label: str, *, max_tokens: int = 64) -> str:
        self.explaining.acquire(timeout=10)
        if SPEECHLESS in prompt.user.split():
            raise RuntimeError("out of memory")
        return super().explain(version, prompt, label, max_tokens=max_tokens)


def new_serving(disk: Path, *, explaining: Semaphore | None = None) -> Serving:
    """Explanations come when `explaining` lets them, or at once."""
    cache, backend = ModelCache(Artifacts(AWAY), disk), Particular(explaining or Semaphore(100))
    return Serving(ModelPool(cache, "cpu", lambda *_: backend), Health())


@asynccontextmanager
async def running(serving: Serving) -> AsyncIterator[Predictor]:
    """The process at work, once all champions that are wanted were tried."""
    predictor = Predictor(serving, batch_seconds=0.5, waiting_cases=100, now=lambda: NOW)
    tasks = [asyncio.create_task(loop()) for loop in (serving.run, predictor.run)]
    try:
        async with asyncio.timeout(10):
            await serving.settled()
        yield predictor
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
