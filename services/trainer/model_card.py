"""The model card that lies beside the adapter: what it is, what it learned from, how it did."""

from collections.abc import Mapping
from typing import Any

from shared.storage.datasets import DatasetManifest


def model_card(
    about: Mapping[str, Any],
    manifest: DatasetManifest,
    recipe: Mapping[str, Any],
    metrics: Mapping[str, Any],
) -> str:
    """Markdown. Numbers come from the run; how the version compares is in its evaluation."""
    counts = [
        f"| {split} | {sum(labels.values())} | {_count_each_label(labels)} |"
        for split, labels in manifest.counts.items()
    ]
    return "\n".join(
        [
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
            "| split | labels | per label |",
            "|---|---|---|",
            *counts,
            "",
            "## Metrics of the run",
            "",
            *(f"- {name}: {value}" for name, value in metrics.items() if _is_scalar(value)),
            "",
            "## Recipe",
            "",
            *(f"- {name}: {value}" for name, value in recipe.items()),
            "",
        ]
    )


def _count_each_label(labels: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(labels.items()))


def _is_scalar(value: object) -> bool:
    return isinstance(value, str | int | float)
