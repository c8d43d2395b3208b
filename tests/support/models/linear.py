"""Small real models for tests: linear ones, trained in a moment and stored like any version."""

from datetime import UTC, datetime
from io import StringIO
from pathlib import Path

from deploy.simulation import SimulatedClaim, simulated_claims
from services.trainer.progress import Progress
from services.trainer.strategies.linear import LinearRecipe
from services.trainer.train import run
from shared.events import TrainedModel
from shared.storage.artifacts import Artifacts
from shared.storage.model_registry import model_uri, store_model
from shared.tasks.task import answer_text
from tests.support.builders.events import ADJUDICATION, trained


def example_line(claim: SimulatedClaim, *, in_part: bool = False) -> str:
    """A claim as a line of a dataset's shard."""
    from shared.storage.datasets import Example, Message

    prompt = ADJUDICATION.prompt(claim.input.model_dump(mode="json"))
    answer = answer_text(claim.label, claim.reasoning)
    contents = (("system", prompt.system), ("user", prompt.user), ("assistant", answer))
    return Example(
        case_id=claim.input.claim_id,
        group_id=claim.input.member_id or claim.input.claim_id,
        label=claim.label,
        reason="import",
        source="import",
        standing=ADJUDICATION.standing_of(claim.input),
        inclusion_probability=1.0,
        in_part=in_part,
        messages=tuple(Message(role=role, content=text) for role, text in contents),
    ).model_dump_json()


def train_linear_model(directory: Path, *, cases: int = 120, seed: int = 1) -> Path:
    """A scikit-learn model's directory."""
    data, out = directory / "data", directory / "model"
    data.mkdir(parents=True)
    lines = [example_line(claim) for claim in simulated_claims(seed=seed, count=cases)]
    for split, part in (
        ("train", lines[: cases // 2]),
        ("validation", lines[cases // 2 : 3 * cases // 4]),
        ("calibration", lines[3 * cases // 4 :]),
    ):
        (data / f"{split}.jsonl").write_text("\n".join(part))
    run(
        LinearRecipe(),
        data=data,
        base=None,
        out=out,
        labels=ADJUDICATION.label_names,
        progress=Progress(StringIO()),
    )
    return out


def store_linear_model(artifacts: Artifacts, directory: Path, version: str) -> TrainedModel:
    """A version in object storage that inference can load."""
    manifest = store_model(
        artifacts,
        train_linear_model(directory / version),
        model_uri("adjudication", version),
        created_at=datetime.now(UTC),
        about={"version": version},
    )
    return trained(version, manifest=manifest)
