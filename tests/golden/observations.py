"""What the code says of fixed cases, written as JSON: `python -m tests.golden` keeps it in `kept/`.

It is written anew only where a text is meant to change, with a new `prompt_version`.
"""

import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from deploy.simulation import SimulatedClaim, simulated_claims
from services.confidence_filter.outcomes import Routing
from services.confidence_filter.routing import RoutingSettings, route_prediction
from services.dataset_accumulator.labels import label_of_history
from services.dataset_accumulator.releasing.dataset_writer import example_of
from services.dataset_accumulator.releasing.waiting_labels import WaitingLabel
from services.inference.intake import case_of
from shared.events import RolloutChanged
from shared.models.backend import BackendOptions
from shared.models.backends.registry import open_backend
from shared.tasks import TASKS
from shared.tasks.task import Prompt, Task
from tests.support.builders.events import CAME_IN, KEY, NOW, predicted, rollout, served, submitted
from tests.support.models.linear import train_linear_model
from tests.support.models.tiny_adapters import save_tiny_adapter
from tests.support.models.tiny_base_model import save_tiny_base

KEPT = Path(__file__).parent / "kept"
_CLAIMS = 40
_TODAY = date(2026, 12, 31)
_DIGITS = 9  # of a score: the last ones belong to the processor
_ROW = {
    "Reference ID": "MN12-15014",
    "Report Year": "2012",
    "Diagnosis Category": "Orthopedic/ Musculoskeletal",
    "Diagnosis Sub Category": "Back Pain",
    "Treatment Category": "Rehabilitation Services - Outpatient",
    "Treatment Sub Category": "Physical Therapy",
    "Type": "Medical Necessity",
    "Age Range": "41_50",
    "Patient Gender": "Female",
    "Determination": "Overturned Decision of Health Plan",
    "Findings": "The patient did exercises at home for six weeks.",
}
_EMPTIED = ("Diagnosis Category", "Treatment Sub Category", "Age Range", "Patient Gender", "Type")

Observation = dict[str, Any]


def observations() -> dict[str, list[Observation]]:
    """By the name of the file that keeps them."""
    return {
        "prompts": list(_prompts()),
        "training_texts": list(_training_texts()),
        "scores": list(_scores()),
        "routes": list(_routes()),
    }


def written(observed: list[Observation]) -> str:
    """One line an observation."""
    return "".join(json.dumps(each, ensure_ascii=False, default=str) + "\n" for each in observed)


def _claims() -> list[SimulatedClaim]:
    return list(simulated_claims(seed=7, count=_CLAIMS))


def _inputs() -> Iterator[tuple[Task, Mapping[str, Any]]]:
    for task in (TASKS["adjudication"], TASKS["independent_review"]):
        yield from ((task, example) for example in task.examples)
    yield from ((TASKS["adjudication"], c.input.model_dump(mode="json")) for c in _claims())
    review = TASKS["independent_review"]
    for row in _rows():
        content = review.history.case_of(row, decimal=None, today=_TODAY).input
        yield review, content.model_dump(mode="json")


def _rows() -> Iterator[dict[str, str]]:
    for count in range(len(_EMPTIED) + 1):
        for columns in itertools.combinations(_EMPTIED, count):
            yield {**_ROW, **dict.fromkeys(columns, "")}


def _prompts() -> Iterator[Observation]:
    for number, (task, content) in enumerate(_inputs()):
        case = case_of(submitted(f"case-{number}", task=task.name, input=content))
        prompt = task.prompt(case.input)
        yield {
            "task": task.name,
            "prompt_version": task.prompt_version,
            "system": prompt.system,
            "user": prompt.user,
            "group_id": case.group_id,
            "claim_id": case.claim_id,
            "standing": case.standing,
            "content_sha256": case.content_sha256,
            "judged_sha256": case.judged_sha256,
        }


def _training_texts() -> Iterator[Observation]:
    rows = [(TASKS["adjudication"], claim.history_row()) for claim in _claims()]
    rows += [(TASKS["independent_review"], row) for row in _rows()]
    for task, row in rows:
        label = label_of_history(
            task,
            row[task.history.claim_column],
            task.history.case_of(row, decimal=None, today=_TODAY),
        )
        example = example_of(task, _waiting(label), revision=0)
        yield {
            "task": task.name,
            "content_sha256": label.content_sha256,
            "text_sha256": label.text_sha256,
            **example.model_dump(mode="json"),
        }


def _waiting(label: Any) -> WaitingLabel:
    return WaitingLabel(
        case_id=label.case_id,
        group_id=label.group_id,
        split="train",
        revision=0,
        label=label.label,
        reasoning=label.reasoning,
        reason=label.reason,
        source=label.source,
        inclusion_probability=label.inclusion_probability,
        input=label.input,
        in_part=label.in_part,
        released_label=None,
        released_revision=None,
        withheld=None,
        import_id=None,
    )


def _scores() -> Iterator[Observation]:
    prompts = [task.prompt(content) for task, content in _inputs() if task.name == "adjudication"]
    labels = TASKS["adjudication"].label_names
    with TemporaryDirectory() as folder:
        place = Path(folder)
        base = save_tiny_base(place / "base", positions=2048)
        versions = {
            "scikit-learn": train_linear_model(place / "linear"),
            "transformers": save_tiny_adapter(base, place / "adapter", seed=1),
        }
        for name, directory in versions.items():
            backend = open_backend(name, BackendOptions(base=base, device="cpu"))
            backend.load("v1", directory)
            for prompt, scores in zip(prompts, backend.score("v1", prompts, labels), strict=True):
                yield _score(name, prompt, scores.log_probabilities)


def _score(backend: str, prompt: Prompt, log_probabilities: Mapping[str, float]) -> Observation:
    rounded = {label: round(value, _DIGITS) for label, value in log_probabilities.items()}
    return {"backend": backend, "user": prompt.user, "log_probabilities": rounded}


def _routes() -> Iterator[Observation]:
    settings = RoutingSettings(audit_rate=0.2, key=KEY)
    rollouts: dict[str, RolloutChanged | None] = {
        "known": rollout(),
        "none": None,
        "stopped": rollout(stopped=True),
        "another": rollout(champion=served("adjudication-v1.1")),
        "strict": rollout(champion=served(threshold=0.995)),
    }
    cases = [
        case_of(submitted(f"case-{number}", input=content))
        for number, (task, content) in enumerate(_inputs())
        if task.name == "adjudication"
    ]
    answers = itertools.product(TASKS["adjudication"].label_names, (0.6, 0.99), (0.4, 0.95))
    for label, confidence, mass in answers:
        made = predicted(label=label, confidence=confidence, label_mass=mass)
        for (name, state), case in itertools.product(rollouts.items(), cases[:12]):
            prediction = made.model_copy(update={"case": case})
            route = route_prediction(prediction, state, settings, now=CAME_IN)
            event = Routing(prediction, route, NOW, draw_key=KEY.version).event
            yield {
                "case_id": case.case_id,
                "answer": [label, confidence, mass],
                "rollout": name,
                "reason": route.reason,
                "inclusion_probability": route.inclusion_probability,
                "event": event.type,
                "event_id": str(event.event_id),
            }
