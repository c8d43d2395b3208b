"""Heavy work in a process of its own: it gives its memory back, steps behind the services in
priority, and dies with its parent.
"""

import asyncio
import ctypes
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None)  # opened here: between fork and exec it could wait forever
_LONGEST_LINE_BYTES = 1024 * 1024
_ERROR_TAIL_BYTES = 4096
# The download of a large base model, and its calibration, take long and say nothing.
_LONGEST_SILENCE_SECONDS = 3 * 3600.0


@dataclass(frozen=True)
class ChildOutcome:
    """How a child ended. A negative code is the signal that killed it."""

    code: int
    errors: str  # the end of what it wrote to stderr
    hung: bool = False

    @property
    def killed_by(self) -> str | None:
        return signal.Signals(-self.code).name if self.code < 0 else None

    @property
    def reason(self) -> str:
        """Why it ended so, if it did not say so itself."""
        if self.hung:
            return "hung: it said nothing for too long"
        if self.killed_by:
            return f"killed by {self.killed_by}"
        return f"exit {self.code}: {self._kind or 'no message'}"

    @property
    def _kind(self) -> str:
        """Of the error that ended it: its words may quote a case."""
        lines = [line for line in self.errors.splitlines() if line.strip()]
        return lines[-1].partition(":")[0] if lines else ""


async def run_module(
    module: str,
    arguments: Sequence[str],
    on_report: Callable[[dict[str, Any]], Awaitable[None]],
    *,
    silence_seconds: float = _LONGEST_SILENCE_SECONDS,
) -> ChildOutcome:
    """Run `python -m module arguments`; each JSON object that it prints on a line is a report.

    A child that prints nothing for `silence_seconds` hangs, and is killed.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE_BYTES,
        preexec_fn=_step_behind_parent,
    )
    if process.stdout is None or process.stderr is None:
        raise RuntimeError("the child has no pipes")
    errors = asyncio.create_task(_read_tail(process.stderr))
    try:
        while line := await _read_line(process.stdout, silence_seconds):
            if (report := _parse_report(line)) is not None:
                await on_report(report)
        if hung := line is None:
            process.kill()
        return ChildOutcome(await process.wait(), await errors, hung)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        errors.cancel()


async def _read_line(stream: asyncio.StreamReader, seconds: float) -> bytes | None:
    """The next line, empty at the end; None if there is none for so long."""
    try:
        async with asyncio.timeout(seconds):
            return await stream.readline()
    except TimeoutError:
        return None


def _parse_report(line: bytes) -> dict[str, Any] | None:
    """The libraries in the child print other things, too."""
    try:
        report = json.loads(line)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


async def _read_tail(stream: asyncio.StreamReader) -> str:
    tail = b""
    while block := await stream.read(_ERROR_TAIL_BYTES):
        tail = (tail + block)[-_ERROR_TAIL_BYTES:]
    return tail.decode(errors="replace")


def _step_behind_parent() -> None:
    """In the child, before it starts: lower priority, and no life after the parent's."""
    os.nice(10)
    if sys.platform == "linux":
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
