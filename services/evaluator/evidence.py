"""What an evaluation may learn from a dataset version, and what is evidence.

A case whose content also stands in what the version learned from shows how well it remembers, and
a copy of a held-out case shows nothing new. So neither counts, whatever ids they carry: contents
are compared as the models read them, without identifiers. A split keeps the first of each content.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.evaluator.measures.held_out import Answers, HeldOut, LeftOut
from services.evaluator.measures.strata import effective_cases, stratify
from services.evaluator.reporting.report import HeldOutCounts
from shared.errors import Rejected
from shared.events import TrainedModel
from shared.storage.artifacts import Artifacts
from shared.storage.datasets import TRAINING_SPLITS, Example, read_manifest, read_split
from shared.tasks import get_task
from shared.tasks.task import Task


@dataclass(frozen=True)
class Evidence:
    """The training cases, and of the held-out ones those that are evidence."""

    task: Task
    train: Sequence[Example]
    calibration: Sequence[Example]
    test: Sequence[Example]
    left_out: LeftOut  # of the split `test`

    @classmethod
    def read(cls, artifacts: Artifacts, model: TrainedModel) -> "Evidence":
        """Of the dataset that the model was trained on; `Rejected` if it is not of its task."""
        task = get_task(model.task)
        manifest = read_manifest(artifacts, model.dataset_manifest)
        if set(manifest.labels) != set(task.label_names):
            raise Rejected(f"{manifest.dataset_version} has other labels than {task.name}")
        train, validation, calibration, test = (
            list(read_split(artifacts, manifest, split)) for split in (*TRAINING_SPLITS, "test")
        )
        learned = [each for each in train if not each.in_part]
        return cls.of(task, learned, validation=validation, calibration=calibration, test=test)

    @classmethod
    def of(
        cls,
        task: Task,
        train: Sequence[Example],
        *,
        validation: Sequence[Example],
        calibration: Sequence[Example],
        test: Sequence[Example],
    ) -> "Evidence":
        fitted = _contents([*train, *validation])
        learned = fitted | _contents(calibration)
        unknown = [each for each in test if each.prompt.content not in learned]
        distinct = _first_of_each(unknown)
        return cls(
            task,
            train,
            _first_of_each(each for each in calibration if each.prompt.content not in fitted),
            distinct,
            LeftOut(len(test), len(test) - len(unknown), len(unknown) - len(distinct)),
        )

    def counts(self, answers: Answers) -> HeldOutCounts:
        """What the report says of it; `answers` are the candidate's."""
        held_out = HeldOut.of(self.test, self.task)
        strata = stratify(held_out, answers)
        return HeldOutCounts(
            cases=len(held_out),
            effective_cases=effective_cases(strata),
            strata=strata,
            groups=held_out.group_count,
            calibration_cases=len(self.calibration),
            training_cases=len(self.train),
            reasons=dict(Counter(example.reason for example in self.test).most_common()),
            left_out=self.left_out,
        )


def _contents(examples: Iterable[Example]) -> set[str]:
    return {each.prompt.content for each in examples}


def _first_of_each(examples: Iterable[Example]) -> list[Example]:
    first: dict[str, Example] = {}
    for example in examples:
        first.setdefault(example.prompt.content, example)
    return list(first.values())
