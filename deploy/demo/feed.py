"""The claims system of the demonstration: submits cases to Kafka at the pace it is given."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from deploy.simulation import DecidedCase
from shared.errors import Transient
from shared.events import CaseSubmitted
from shared.messaging.encoding import encode
from shared.messaging.producer import Producer

MOST_UNDECIDED = 80  # half of them in the ten seconds in which a decision can be undone


@dataclass
class Feed:
    """Cases on their way in. `pace` is cases a second and may change at any time.

    `undecided` says how many are in the system; where it and the experts do not keep up, the
    claims wait here, so that no backlog is left to work off while a model trains.
    """

    task: str
    cases: Iterator[DecidedCase]
    producer: Producer
    known: set[str]  # submitted by an earlier demonstration
    undecided: Callable[[], int]
    pace: float = 0.0
    sent: int = 0
    exhausted: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """Submit until the cases run out."""
        await self.producer.start()
        try:
            for case in self.cases:
                event = submitted_case(self.task, case)
                if event.case_id not in self.known:
                    await self._pause()
                    await self._submit(event)
                    await asyncio.sleep(1 / self.pace if self.pace > 0 else 0)
        finally:
            await self.producer.stop()
            self.exhausted.set()

    async def _submit(self, event: CaseSubmitted) -> None:
        """Send until it is confirmed; twice is no harm, the case id is the same."""
        while True:
            try:
                await self.producer.send([encode(event, source="demo")])
            except Transient:
                await asyncio.sleep(1)
            else:
                self.sent += 1
                return

    async def _pause(self) -> None:
        """Return once there is a pace, and room."""
        while self.pace <= 0 or self.undecided() >= MOST_UNDECIDED:  # noqa: ASYNC110 - numbers
            await asyncio.sleep(0.2)


def submitted_case(task: str, case: DecidedCase) -> CaseSubmitted:
    """The case as a claims system hands it in: what was known before the decision."""
    content = case.input.model_dump(mode="json")
    return CaseSubmitted(
        occurred_at=datetime.now(UTC),
        case_id=case_id_of(case),
        claim_id=_claim_id_of(content),
        task=task,
        input=content,
    )


def case_id_of(case: DecidedCase) -> str:
    return f"{_claim_id_of(case.input.model_dump(mode='json'))}.1"


def _claim_id_of(content: dict[str, object]) -> str:
    """Claims have a claim id, independent reviews a reference id."""
    return str(content.get("claim_id") or content["reference_id"])
