"""The loop in the terminal, live; in a file or a pipe, a line whenever something happened."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import httpx
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from deploy.cli.client import Refused, System, Unreachable
from deploy.cli.views import VERDICT_STYLES
from deploy.demo.loop_state import LoopState
from deploy.terminal import Terminal

_BAR = 30


@dataclass
class Display:
    """What the viewer sees: the steps, the counts of cases, and how far the next model is."""

    loop: LoopState
    console: Terminal
    started: float = field(default_factory=time.monotonic)
    steps: list[str] = field(default_factory=list)
    label_progress: tuple[int, int] = (0, 0)
    expert_labels: int = 0
    _printed: set[str] = field(default_factory=set)

    def step(self, text: str) -> None:
        """A new chapter of the demonstration begins."""
        self.steps.append(text)
        if not self.console.is_terminal:
            self.console.print(f"[{self.elapsed}] {text}", highlight=False)

    def milestones(self) -> None:
        """Outside of a terminal: say what changed since the last call."""
        if self.console.is_terminal:
            return
        for line in self._news():
            if line not in self._printed:
                self._printed.add(line)
                self.console.print(f"[{self.elapsed}]   {line}", highlight=False)

    @property
    def elapsed(self) -> str:
        seconds = int(time.monotonic() - self.started)
        return f"{seconds // 60:02d}:{seconds % 60:02d}"

    def __rich__(self) -> RenderableType:
        return Panel(
            Group(self._steps(), Text(), self._cases(), Text(), self._model()),
            title=f"Caseloop · {self.loop.task}",
            subtitle=self.elapsed,
            padding=(1, 2),
        )

    def _steps(self) -> RenderableType:
        lines = [Text(f"✓ {step}", style="dim") for step in self.steps[:-1]]
        lines += [Text(f"▸ {step}", style="bold") for step in self.steps[-1:]]
        return Group(*lines)

    def _cases(self) -> RenderableType:
        loop = self.loop
        reasons = Counter(loop.review_reasons.values()).most_common(4)
        table = Table.grid(padding=(0, 2))
        table.add_row("claims in", str(len(loop.submitted)))
        table.add_row("auto-accepted", f"{loop.accepted} {_share(loop.accepted, loop)}")
        to_review = len(loop.review_reasons)
        table.add_row(
            "to review",
            f"{to_review} {_share(to_review, loop)}  "
            + ", ".join(f"{reason} {count}" for reason, count in reasons),
        )
        table.add_row("decided by experts", str(len(loop.completed)))
        if loop.unreadable:
            table.add_row("unreadable decisions", str(len(loop.unreadable)), style="red")
        answered = ", ".join(f"{name} {n}" for name, n in sorted(loop.answered_by.items()))
        table.add_row("answered by", answered or "–")
        return table

    def _model(self) -> RenderableType:
        loop = self.loop
        table = Table.grid(padding=(0, 2))
        have, need = self.label_progress
        table.add_row("labels to next training", _bar(have, need), f"{have} of {need}")
        if (training := loop.training) is not None:
            detail = f"{training.status} {training.dataset_version}"
            if training.loss is not None:
                detail += f"  loss {training.loss:.3f}"
            if training.status == "running" and training.eta_seconds is not None:
                detail += f"  {training.tokens_per_second or 0:.0f} tokens/s"
                detail += f"  {training.eta_seconds:.0f} s left"
            done = training.status == "succeeded"
            table.add_row(
                "training",
                _bar(1, 1) if done else _bar(training.step, training.steps),
                detail,
            )
        for evaluation in loop.evaluations.values():
            against = evaluation.champion or "absolute gates"
            table.add_row(
                "evaluation",
                Text(evaluation.verdict, style=VERDICT_STYLES[evaluation.verdict]),
                f"{evaluation.model.version} against {against}",
            )
        if (rollout := loop.rollout) is not None:
            candidate = f"  candidate {rollout.candidate.version}" if rollout.candidate else ""
            stage = Text(rollout.stage or "–")
            table.add_row("rollout", stage, f"champion {self._serving}{candidate}")
        return table

    @property
    def _serving(self) -> str:
        return self.loop.champion or "nobody: all cases go to experts"

    def _news(self) -> list[str]:
        loop = self.loop
        news = [
            f"dataset {r.dataset_version} released ({r.trigger})" for r in loop.releases.values()
        ]
        if (training := loop.training) is not None:
            part = int(4 * training.step / training.steps) * 25 if training.steps else 0
            news.append(f"training {training.dataset_version}: {training.status} {part} %")
        news += [
            f"evaluation {e.model.version} against {e.champion or 'absolute gates'}: {e.verdict}"
            for e in loop.evaluations.values()
        ]
        if (rollout := loop.rollout) is not None:
            candidate = rollout.candidate.version if rollout.candidate else None
            stage = f", {candidate} in {rollout.stage}" if candidate else ""
            news.append(f"rollout {rollout.revision}: champion {self._serving}{stage}")
        hundreds = len(loop.submitted) // 100 * 100
        if hundreds:
            news.append(f"{hundreds} claims in")
        return news


async def follow_labels(system: System, display: Display) -> None:
    """How many labels there are, and are missing until the next training, twice a second.

    While the accumulator is away, the numbers stay as they are; whatever else it says is raised.
    """
    task = display.loop.task
    while True:
        progress = await asyncio.to_thread(_get_or_nothing, system, "/v1/labels/progress")
        if task in progress:
            display.label_progress = (
                progress[task]["train_unreleased"],
                progress[task]["threshold"],
            )
        count = await asyncio.to_thread(_get_or_nothing, system, "/v1/labels/count", task=task)
        display.expert_labels = count.get("reviewed", display.expert_labels)
        display.milestones()
        await asyncio.sleep(0.5)


def _get_or_nothing(system: System, path: str, **query: str) -> Any:
    """What the accumulator answers; nothing while it is away."""
    try:
        return system.get("dataset_accumulator", path, **query)
    except Unreachable:
        return {}
    except Refused as error:
        if error.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            raise
        return {}


def _share(part: int, loop: LoopState) -> str:
    routed = loop.accepted + len(loop.review_reasons)
    return f"({part / routed:.0%})" if routed else ""


def _bar(done: float, total: float) -> ProgressBar:
    return ProgressBar(total=max(total, 1), completed=min(done, max(total, 1)), width=_BAR)
