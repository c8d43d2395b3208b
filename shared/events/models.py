"""From labels to a serving model: datasets, training runs, evaluations, rollouts."""

from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from shared.events.base import ArtifactRef, Event, Frozen, Identifier, Probability

Verdict = Literal["PASS", "FAIL", "INCONCLUSIVE"]
Stage = Literal["shadow", "canary", "full"]
RunStatus = Literal["queued", "running", "succeeded", "failed"]
Split = Literal["train", "validation", "calibration", "certification", "test"]


HIGHEST_REVISION = 2**31 - 1  # of PostgreSQL's integer
Revision = Annotated[int, Field(ge=1, le=HIGHEST_REVISION)]


class LifecycleEvent(Event):
    """An event of a task's model lifecycle: ordered by task."""

    task: Identifier

    @property
    def key(self) -> str:
        return self.task


class DatasetReleased(LifecycleEvent):
    """An immutable dataset version. `counts` has the labels of each split, cumulative."""

    type: ClassVar[str] = "datasets.released.v1"

    dataset_version: Identifier
    number: Annotated[int, Field(ge=1, lt=2**31 - 1)]
    trigger: str  # for example labels:250, schedule:2026-01-04T03:00, import:…
    manifest: ArtifactRef
    counts: dict[Split, dict[str, int]]
    new_labels: int

    @property
    def natural_key(self) -> str:
        return self.dataset_version


class TrainingProgressed(LifecycleEvent):
    """Where a training run stands. Steps count optimizer updates; ETA and seconds are seconds."""

    type: ClassVar[str] = "trainings.progressed.v1"

    run_id: Identifier
    dataset_version: Identifier
    status: RunStatus
    sequence: Annotated[int, Field(ge=0)]
    step: int = 0
    steps: int = 0
    loss: float | None = None
    validation_loss: float | None = None
    tokens_per_second: float | None = None
    eta_seconds: float | None = None
    version: str | None = None  # once the run succeeded
    reason: str | None = None  # why it failed

    @property
    def natural_key(self) -> str:
        return self.run_id

    @property
    def event_revision(self) -> int:
        return self.sequence


class TrainedModel(Frozen):
    """An immutable model version: everything needed to load it and to say where it came from."""

    version: Identifier
    task: Identifier
    strategy: Identifier
    backend: Identifier
    quantization: Identifier
    base_model: Identifier | None  # name under s3://models/base/; none: it stands alone
    prompt_version: Identifier
    temperature: Annotated[float, Field(gt=0.0)]
    longest_prompt_tokens: Annotated[int, Field(ge=1)] | None  # none: it reads any length
    manifest: ArtifactRef
    dataset_version: Identifier
    dataset_manifest: ArtifactRef


class ModelEvent(LifecycleEvent):
    """An event about a model of the task."""

    model: TrainedModel

    @model_validator(mode="after")
    def _is_of_one_task(self) -> Self:
        if self.model.task != self.task:
            raise ValueError("the model is of another task")
        return self


class ModelTrained(ModelEvent):
    """A candidate exists."""

    type: ClassVar[str] = "models.trained.v1"

    run_id: Identifier
    metrics: dict[str, Any] = Field(default_factory=dict)

    @property
    def natural_key(self) -> str:
        return self.model.version


class Measures(Frozen):
    """How one version does on the held-out cases, weighted by 1/inclusion probability.

    Accuracy is over all of them: what a version does not answer is not right.
    """

    version: str
    accuracy: Probability
    macro_f1: Probability
    auto_accept_rate: Probability
    auto_accept_error: Probability | None  # none if nothing is accepted
    auto_accept_error_upper: Probability | None = None  # with 95 % confidence it is no higher
    unanswered_share: Probability = 0.0
    expected_calibration_error: Probability
    cases: int
    effective_cases: float
    milliseconds_per_case: float


class ModelEvaluated(ModelEvent):
    """Candidate against the champion of that moment, on the same held-out cases."""

    type: ClassVar[str] = "models.evaluated.v1"

    champion: str | None
    verdict: Verdict
    reasons: tuple[str, ...]
    threshold: Annotated[float, Field(ge=0.0)]  # above 1: nothing is accepted
    candidate_measures: Measures | None  # none: there was nothing to measure on
    champion_measures: Measures | None
    baseline_measures: Measures | None
    report_json: ArtifactRef
    report_html: ArtifactRef

    @property
    def natural_key(self) -> str:
        return f"{self.model.version}|{self.champion}"


class ServedModel(Frozen):
    """A version with the threshold and temperature that belong to it."""

    model: TrainedModel
    threshold: Annotated[float, Field(ge=0.0)]

    @property
    def version(self) -> str:
        return self.model.version

    @property
    def temperature(self) -> float:
        return self.model.temperature


class RolloutChanged(LifecycleEvent):
    """The full state of a task's rollout. A revision older than one seen is ignored."""

    type: ClassVar[str] = "rollouts.changed.v1"

    rollout_id: Identifier
    revision: Revision
    champion: ServedModel | None
    candidate: ServedModel | None = None
    last_good: ServedModel | None = None  # kept loaded, so that a rollback is immediate
    stage: Stage | None = None  # of the candidate
    share: Probability = 0.0  # of the groups that the candidate answers
    stopped: bool = False  # 100 % to humans
    paused: bool = False  # the candidate stays where it is
    changed_by: str
    why: str

    @property
    def natural_key(self) -> str:
        return self.task

    @property
    def event_revision(self) -> int:
        return self.revision

    def served(self, version: str) -> ServedModel | None:
        """The serving model of that version, if this rollout knows it."""
        known = (self.champion, self.candidate)
        return next((m for m in known if m is not None and m.version == version), None)


class RolloutsApplied(Event):
    """Which revision of each task's rollout a process answers under, said every few seconds."""

    type: ClassVar[str] = "rollouts.applied.v1"

    service: Identifier
    process: Annotated[str, Field(min_length=1, max_length=300)]  # no other that lives has the name
    revisions: dict[str, Revision]
    leaving: bool = False  # it decides nothing any more

    @property
    def natural_key(self) -> str:
        return f"{self.service}|{self.process}|{self.occurred_at.isoformat()}"

    @property
    def key(self) -> str:
        return self.process
