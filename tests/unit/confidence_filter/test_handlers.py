"""A rollout that inference knows first is waited for, but not forever."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from services.confidence_filter import handlers
from services.confidence_filter.handlers import Handlers
from services.confidence_filter.outcomes import Routing
from services.confidence_filter.routing import Review, RoutingSettings
from shared.events import ReviewRequested, RolloutChanged
from shared.events.base import LEAST_INCLUSION
from tests.support.builders.events import CAME_IN, KEY, NOW, predicted, rollout

PROMPTLY = RoutingSettings(audit_rate=LEAST_INCLUSION, key=KEY)


@dataclass
class Routed:
    """A store that remembers why each case was routed as it was."""

    reasons: list[str] = field(default_factory=list)

    async def route(self, routings: Sequence[Routing]) -> None:
        self.reasons += [routing.route.reason for routing in routings]


@dataclass
class Filter:
    """The handlers with the newest rollout that they know of."""

    known: RolloutChanged
    store: Routed = field(default_factory=Routed)

    async def take(self, *revisions: int) -> list[str]:
        taking = Handlers(
            self.store,  # type: ignore[arg-type]
            lambda task: self.known,
            settings=PROMPTLY,
            now=lambda: CAME_IN,
        )
        made = [predicted(f"case-{r}", rollout_revision=r) for r in revisions]
        await taking.predictions_made(made)
        return self.store.reasons


async def test_a_promotion_that_inference_read_first_costs_no_case_its_acceptance() -> None:
    found = Filter(rollout(revision=5))
    taking = asyncio.create_task(found.take(5, 6))
    await asyncio.sleep(0.1)
    assert found.store.reasons == []
    found.known = rollout(revision=6)
    assert await taking == ["confident", "confident"]


async def test_a_stop_that_inference_read_first_stops_the_filter_too() -> None:
    found = Filter(rollout(revision=5))
    taking = asyncio.create_task(found.take(6))
    await asyncio.sleep(0.1)
    found.known = rollout(revision=6, stopped=True)
    assert await taking == ["stopped"]


async def test_what_stays_unknown_goes_to_a_human(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "ROLLOUT_WAIT_SECONDS", 0.1)
    assert await Filter(rollout(revision=5)).take(5, 6) == ["confident", "stale_version"]


def test_what_routed_a_case_names_the_key_that_audits_are_drawn_by() -> None:
    routing = Routing(predicted(), Review("audit"), NOW, draw_key="7")
    assert isinstance(routing.event, ReviewRequested)
    assert routing.event.routing_version == "2/7/adjudication-r1.1/audit"
