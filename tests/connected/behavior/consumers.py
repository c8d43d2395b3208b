"""What each service consumes: an event for a key, and the rows it must leave exactly once."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

from shared.events import (
    ArtifactRef,
    DatasetReleased,
    Event,
    Measures,
    ModelEvaluated,
    ModelTrained,
    ReviewRequested,
    TrainedModel,
    review_id_of,
)
from shared.messaging.topics import (
    CASES_SUBMITTED,
    DATASETS_RELEASED,
    DECISIONS_MADE,
    MODELS_EVALUATED,
    MODELS_TRAINED,
    PREDICTIONS_MADE,
    REVIEWS_COMPLETED,
    REVIEWS_REQUESTED,
    Topic,
)
from shared.storage.datasets import DatasetManifest, manifest_uri
from shared.storage.evaluation_reports import report_place
from shared.storage.model_registry import ModelManifest
from tests.support.builders.events import (
    ADJUDICATION,
    NOW,
    case,
    predicted,
    submitted,
    trained,
)
from tests.support.builders.reviews import completed


@dataclass(frozen=True)
class Consumer:
    """`rows` selects the keys that left their mark, from the keys in $1, one row a mark.

    `publishes` is the topic that gets an event for each key. The others publish when more than
    one key has come (a release, a rollout) or when a model is there to work with, which
    test_object_storage.py looks at.
    """

    service: str
    topic: Topic
    event: Callable[[str], Event]
    rows: str
    publishes: Topic | None = None

    def __str__(self) -> str:
        return self.service


def _unanswered(key: str) -> Event:
    return predicted(key, scores=(), answering_version=None, arm=None, rollout_id=None)


def _requested(key: str) -> Event:
    return ReviewRequested(
        occurred_at=NOW,
        review_id=review_id_of(key),
        case=case(key),
        reason="no_champion",
        inclusion_probability=1.0,
        routing_version="test",
    )


def _number(key: str) -> int:
    """Keys end in a number that grows, as the numbers of releases do."""
    return int(key.rpartition("-")[2])


def manifest_of(key: str) -> bytes:
    """An empty dataset version: a run of it fails."""
    return (
        DatasetManifest(
            dataset_version=key,
            task="adjudication",
            number=_number(key),
            trigger=f"test:{key}",
            created_at=NOW,
            labels=ADJUDICATION.label_names,
            prompt_version=ADJUDICATION.prompt_version,
            shards={},
            counts={},
        )
        .model_dump_json()
        .encode()
    )


def _released(key: str) -> Event:
    content = manifest_of(key)
    digest = sha256(content).hexdigest()
    return DatasetReleased(
        occurred_at=NOW,
        task="adjudication",
        dataset_version=key,
        number=_number(key),
        trigger=f"test:{key}",
        manifest=ArtifactRef(
            uri=manifest_uri("adjudication", _number(key), digest),
            sha256=digest,
            size_bytes=len(content),
        ),
        counts={},
        new_labels=0,
    )


def model_of(key: str) -> bytes:
    """The manifest of a model without files: nobody can load it."""
    model = ModelManifest(name=f"{key}-00000000", created_at=NOW, files={})
    return model.model_dump_json().encode()


def _model(key: str) -> TrainedModel:
    content = model_of(key)
    manifest = trained(key).manifest.model_copy(
        update={"sha256": sha256(content).hexdigest(), "size_bytes": len(content)}
    )
    return trained(key, manifest=manifest)


def _trained(key: str) -> Event:
    return ModelTrained(
        occurred_at=NOW, task="adjudication", model=_model(key), run_id=f"run-{key}"
    )


def report_of(evaluated: ModelEvaluated) -> bytes:
    """What decides, of the report of such an evaluation."""
    return _report(evaluated.model, verdict=evaluated.verdict, threshold=evaluated.threshold)


def _report(model: TrainedModel, *, verdict: str, threshold: float) -> bytes:
    judgment = {"verdict": verdict, "threshold": threshold}
    content = {"candidate": model.model_dump(mode="json"), "champion": None, "judgment": judgment}
    return json.dumps(content).encode()


def _reported(content: bytes, *, place: str) -> ArtifactRef:
    digest = sha256(content).hexdigest()
    return ArtifactRef(uri=place, sha256=digest, size_bytes=len(content))


PAGE = b"<p>a report</p>"


def _evaluated(key: str) -> Event:
    measures = Measures(
        version=key,
        accuracy=0.5,
        macro_f1=0.5,
        auto_accept_rate=0.0,
        auto_accept_error=None,
        expected_calibration_error=0.1,
        cases=100,
        effective_cases=100.0,
        milliseconds_per_case=1.0,
    )
    model = _model(key)
    content = _report(model, verdict="FAIL", threshold=1.01)
    digest = sha256(content).hexdigest()
    place = report_place("adjudication", candidate=key, champion=None, sha256=digest)
    return ModelEvaluated(
        occurred_at=NOW,
        task="adjudication",
        model=model,
        champion=None,
        verdict="FAIL",
        reasons=("test",),
        threshold=1.01,
        candidate_measures=measures,
        champion_measures=None,
        baseline_measures=None,
        report_json=_reported(content, place=f"{place}.json"),
        report_html=_reported(PAGE, place=f"{place}.html"),
    )


CONSUMERS = (
    Consumer(
        "inference",
        CASES_SUBMITTED,
        submitted,
        "SELECT case_id FROM inference.cases WHERE case_id = ANY($1)",
        publishes=PREDICTIONS_MADE,
    ),
    Consumer(
        "confidence_filter",
        PREDICTIONS_MADE,
        _unanswered,
        "SELECT case_id FROM confidence_filter.routings WHERE case_id = ANY($1)",
        publishes=REVIEWS_REQUESTED,
    ),
    Consumer(
        "review_queue",
        REVIEWS_REQUESTED,
        _requested,
        "SELECT case_id FROM review_queue.reviews WHERE case_id = ANY($1)",
        publishes=DECISIONS_MADE,
    ),
    Consumer(
        "dataset_accumulator",
        REVIEWS_COMPLETED,
        completed,
        "SELECT case_id FROM dataset_accumulator.labels WHERE case_id = ANY($1)",
    ),
    Consumer(
        "trainer",
        DATASETS_RELEASED,
        _released,
        "SELECT dataset_version FROM trainer.runs WHERE dataset_version = ANY($1)",
    ),
    Consumer(
        "evaluator",
        MODELS_TRAINED,
        _trained,
        "SELECT candidate FROM evaluator.runs WHERE candidate = ANY($1)",
    ),
    Consumer(
        "promoter",
        MODELS_EVALUATED,
        _evaluated,
        "SELECT version FROM promoter.versions WHERE version = ANY($1)",
    ),
)
