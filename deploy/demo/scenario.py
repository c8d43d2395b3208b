"""The demonstration as a story: history in, claims in, and nobody presses anything afterwards.

It only feeds the system and plays the adjudicators; everything else it waits for. Run again, it
continues from there.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from deploy.cli.client import System
from deploy.cli.submission import import_file
from deploy.demo.display import Display
from deploy.demo.feed import Feed
from deploy.demo.loop_state import LoopState
from deploy.demo.plan import HISTORY_SPLITS, Plan
from deploy.simulation import write_history
from shared.events import ModelEvaluated

T = TypeVar("T")

CASES_AFTER_PROMOTION = 60  # cases under the new champion
_STUCK_SECONDS = 1800.0  # a slow machine calibrates and evaluates for long, and says nothing


class Stuck(Exception):
    """The loop does not go on; the message says where it stands."""


@dataclass
class Scenario:
    plan: Plan
    system: System
    loop: LoopState
    feed: Feed
    display: Display

    async def play(self) -> None:
        """From where the system stands to a verdict on the second version, all cases decided."""
        if not self.loop.evaluations:
            await self.first_version()
        if not self._is_finished:
            await self.second_version()
        await self.drain()

    async def first_version(self) -> None:
        self.display.step(
            f"importing {self.plan.history} adjudicated cases, unconfirmed, also to test with: "
            "settings of the demonstration only"
        )
        await asyncio.to_thread(self._import)
        self.display.step("training the first version, from too few labels on purpose")
        evaluation = await self._wait_for(lambda: self._evaluation(1), "the first evaluation")
        if evaluation.verdict == "PASS":
            await self._wait_for(lambda: self.loop.champion, "the first champion")

    def _import(self) -> None:
        with TemporaryDirectory() as directory:
            file = Path(directory) / "history.csv"
            write_history(file, self.plan.task, self.plan.history_cases())
            query = {"task": self.plan.task.name, "splits": HISTORY_SPLITS, "release": True}
            import_file(self.system, file, query, on_bytes=lambda _: None)

    async def second_version(self) -> None:
        self.display.step("claims come in; experts decide what the model may not")
        self.feed.pace = self.plan.labeling_pace
        await self._wait_for(
            lambda: len(self.loop.releases) >= 2 or self._stream_ended, "the second dataset version"
        )
        if len(self.loop.releases) < 2:
            return
        self.display.step("training on what the experts decided; claims go on coming in")
        self.feed.pace = self.plan.training_pace
        evaluation = await self._wait_for(lambda: self._evaluation(2), "the second evaluation")
        if evaluation.verdict != "PASS":
            self.display.step(f"{evaluation.model.version}: {evaluation.verdict}, not promoted")
            return
        self.display.step("rolling out: shadow, canary, full")
        self.feed.pace = self.plan.labeling_pace
        version = evaluation.model.version
        await self._wait_for(
            lambda: self.loop.champion == version or self._stream_ended, "the rollout"
        )
        already = len(self.loop.submitted)
        await self._wait_for(
            lambda: (
                len(self.loop.submitted) >= already + CASES_AFTER_PROMOTION or self._stream_ended
            ),
            "more claims",
        )

    async def drain(self) -> None:
        self.feed.pace = 0.0
        self.display.step("the last cases are being decided")
        await self._wait_for(
            lambda: (
                len(self.loop.submitted) >= len(self.feed.known) + self.feed.sent
                and self.loop.lost == 0
            ),
            "the last decisions",
        )
        await self._wait_for(
            lambda: self.display.expert_labels >= self.loop.decided_by_experts, "the last labels"
        )

    @property
    def _is_finished(self) -> bool:
        """An earlier run came to its verdict, and to the promotion if there was one."""
        second = self._evaluation(2)
        if second is None:
            return False
        return second.verdict != "PASS" or self.loop.champion == second.model.version

    @property
    def _stream_ended(self) -> bool:
        return self.feed.exhausted.is_set() and self.loop.lost == 0

    def _evaluation(self, number: int) -> ModelEvaluated | None:
        in_order = sorted(self.loop.evaluations.values(), key=lambda event: event.occurred_at)
        return in_order[number - 1] if len(in_order) >= number else None

    async def _wait_for(self, condition: Callable[[], T | None], what: str) -> T:
        """Wait for something that the system does by itself; `Stuck` if nothing moves."""
        waited, seen = 0.0, self._progress()
        while not (value := condition()):
            await asyncio.sleep(0.2)
            waited += 0.2
            if (progress := self._progress()) != seen:
                waited, seen = 0.0, progress
            self._raise_failed_training()
            if waited > _STUCK_SECONDS:
                raise Stuck(f"waited {waited:.0f} s for {what}; see `make status` and `make logs`")
        return value

    def _raise_failed_training(self) -> None:
        training = self.loop.training
        if training is not None and training.status == "failed":
            raise Stuck(f"training {training.dataset_version} failed: {training.reason}")

    def _progress(self) -> tuple[object, ...]:
        loop = self.loop
        return len(loop.decisions), loop.training, len(loop.evaluations), loop.rollout
