"""The model card that lies beside the adapter: what it is, what it learned from, how it did."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared.storage.datasets import DatasetManifest


def model_card(
    about: Mapping[str, Any],
    manifest: DatasetManifest,
    recipe: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> str:
    """Markdown. Numbers come from the run; how the version compares is in its evaluation."""
    parts = [*_head(about, manifest), *_splits(manifest)]
    scalars = {name: value for name, value in metrics.items() if _is_scalar(value)}
    for title, values in (("Metrics of the run", scalars), ("Recipe", recipe)):
        parts += [f"## {title}", "", *(f"- {name}: {value}" for name, value in values.items()), ""]
    return "\n".join(parts)


def _head(about: Mapping[str, Any], manifest: DatasetManifest) -> Sequence[str]:
    return (
        f"# {about['version']}",
        "",
        f"Answers the task `{about['task']}` with one of {', '.join(manifest.labels)}.",
        f"Trained by `{about['strategy']}` from {about['base_model'] or 'nothing'}, "
        f"quantization {about['quantization']}, prompt {about['prompt_version']}, "
        f"dataset {manifest.dataset_version} ({manifest.trigger}).",
        "",
        "Only approvals by this model may stand without a human, and only above the threshold",
        "of its evaluation. Its reasoning text is a draft, never evidence.",
        "",
    )


def _splits(manifest: DatasetManifest) -> Sequence[str]:
    rows = (
        f"| {split} | {sum(labels.values())} | {_count_each_label(labels)} |"
        for split, labels in manifest.counts.items()
    )
    return ("| split | labels | per label |", "|---|---|---|", *rows, "")


def _count_each_label(labels: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(labels.items()))


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)
