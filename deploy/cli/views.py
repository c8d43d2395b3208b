"""What the commands print: tables and panels from the services' answers."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import httpx
from rich.console import RenderableType
from rich.table import Column, Table
from rich.text import Text

from deploy.cli.client import Refused, System, Unreachable
from deploy.cli.dead_letters import StoredLetter
from deploy.cli.recovery import Rewind
from shared.messaging.topics import TOPICS, dead_letter_topics
from shared.services import PORTS

_REFUSED_SHOWN = 20
VERDICT_STYLES = {"PASS": "green", "FAIL": "red", "INCONCLUSIVE": "yellow"}


def status(system: System) -> Iterator[RenderableType]:
    """Health first: the rest needs services that answer."""
    yield health(system)
    for title, service, path, view in (
        ("Rollouts", "promoter", "/v1/rollouts", _rollouts),
        ("Labels", "dataset_accumulator", "/v1/labels/progress", _labels),
        ("Training", "trainer", "/v1/runs", _runs),
    ):
        try:
            yield view(title, system.get(service, path))
        except (Unreachable, Refused) as error:
            yield Text(f"{title}: {error}", style="red")


def health(system: System) -> Table:
    """One line per service: ready or not, why, and what somebody should look at."""
    table = Table("service", "address", "health", "reason", title="Services")
    for service in PORTS:
        url = system.url(service)
        try:
            content = httpx.get(f"{url}/health/ready", timeout=3).json()
            alerts = [f"{part}: {why}" for part, why in content.get("alerts", {}).items()]
            state, reason = content["status"], "; ".join(filter(None, [content["reason"], *alerts]))
        except (httpx.HTTPError, ValueError, KeyError) as error:
            state, reason = "down", type(error).__name__
        style = {"ready": "green", "waiting": "yellow"}.get(state, "red")
        table.add_row(service, url, Text(state, style=style), reason)
    return table


def rollout(state: dict[str, Any]) -> Table:
    return _rollouts("Rollout", [state])


def versions(system: System, task: str | None) -> Table:
    table = Table("version", "state", "verdict", "against", "accuracy", "auto-accepted", "error")
    query = {"task": task} if task else {}
    for row in system.get("promoter", "/v1/versions", **query):
        measures = row["measures"] or {}
        table.add_row(
            row["version"],
            row["state"],
            Text(row["verdict"], style=VERDICT_STYLES[row["verdict"]]),
            row["compared_with"] or "absolute gates",
            _percent(measures.get("accuracy")),
            _percent(measures.get("auto_accept_rate")),
            _percent(measures.get("auto_accept_error")),
        )
    return table


def import_report(
    report: dict[str, Any], models: Sequence[dict[str, Any]] = ()
) -> Iterator[RenderableType]:
    """What came of an import, what to do next, and which models learned from it."""
    import_id, held = report["import_id"], report["status"] == "held"
    yield (
        f"{report['accepted']} of {report['rows']} rows {'held' if held else 'imported'}, "
        f"{report['duplicates']} known already, {report['refused_rows']} refused "
        f"(import {import_id}, {report['status']})"
    )
    yield f"brought by {report['imported_by']}, confirmed by {report['confirmed_by'] or 'nobody'}"
    if report["recall_reason"]:
        yield f"recalled by {report['recalled_by']}: {report['recall_reason']}"
    if held:
        yield f"A second person lets it in with: caseloop imports confirm {import_id}"
    if report["dataset_versions"]:
        yield f"in the dataset versions {', '.join(report['dataset_versions'])}"
    if models:
        named = ", ".join(f"{model['version']} ({model['state']})" for model in models)
        yield f"in the training of {named}"
    if refused := report.get("refused", []):
        table = Table("line", "field", "why", title="Refused rows")
        for row in refused[:_REFUSED_SHOWN]:
            table.add_row(str(row["line"]), row["field"] or "", row["why"])
        yield table


def topics(created: Sequence[str]) -> Table:
    table = Table("topic", "partitions", "published by", "read by", "")
    for topic in TOPICS:
        table.add_row(
            topic.name,
            str(topic.partitions),
            ", ".join(topic.producers),
            ", ".join((*topic.consumers, *topic.readers)),
            "created" if topic.name in created else "",
        )
    for name in dead_letter_topics():
        table.add_row(name, "1", "", "", "created" if name in created else "", style="dim")
    return table


def rewinds(planned: Sequence[Rewind], since: datetime) -> Table:
    table = Table("group", "topic", "records to read again", title=f"Since {since.isoformat()}")
    records: Counter[tuple[str, str]] = Counter()
    for rewind in planned:
        records[rewind.group, rewind.partition.topic] += rewind.records
    for (group, topic), count in sorted(records.items()):
        table.add_row(group, topic, str(count))
    return table


def letters(stored_letters: Iterable[StoredLetter]) -> Table:
    table = Table(Column("location", no_wrap=True), "group", "error", "failed at")
    for stored in stored_letters:
        letter = stored.letter
        error = f"{letter.error_type}: {letter.error}"
        table.add_row(stored.location, letter.group, error, letter.failed_at)
    return table


def _rollouts(title: str, states: list[dict[str, Any]]) -> Table:
    table = Table("task", "champion", "candidate", "stage", "state", "waits for", title=title)
    for state in states:
        flags = [name for name in ("stopped", "paused") if state[name]]
        if not state["applied"]:
            flags.append("not applied by: " + "; ".join(state["waiting_for"]))
        table.add_row(
            state["task"],
            state["champion"] or "none: experts decide",
            state["candidate"] or "",
            state["stage"] or "",
            ", ".join(flags if state["stopped"] or state["paused"] else ["running", *flags]),
            ", ".join(state["waits_for"]),
        )
    return table


def _labels(title: str, progress: dict[str, Any]) -> Table:
    table = Table("task", "labels to the next training", "next schedule", "releases", title=title)
    for task, row in progress.items():
        table.add_row(
            task,
            f"{row['train_unreleased']} of {row['threshold']}",
            str(row.get("next_schedule") or ""),
            ", ".join(row.get("released", [])[-3:]),
        )
    return table


def _runs(title: str, runs: list[dict[str, Any]]) -> Table:
    table = Table("run", "status", "progress", "version", "reason", title=title)
    for run in runs[:10]:
        progress = run["progress"]
        done = f"{progress['step']}/{progress['steps']}" if progress.get("steps") else ""
        table.add_row(run["run_id"], run["status"], done, run["version"] or "", run["reason"] or "")
    return table


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
