"""The recipe as its users start it: from the command line."""

import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from services.trainer.train import main

LABELS = ("--labels", "APPROVED,DENIED")


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_the_linear_strategy_needs_no_base_model(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tiny_data), "--out", str(tmp_path), "--strategy", "linear", *LABELS]
    assert main(arguments) == 0
    assert _lines(capsys.readouterr().out)[-1]["phase"] == "done"
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["validation_accuracy"] == 1.0
    assert metrics["temperature"] > 0
    assert json.loads((tmp_path / "recipe.json").read_text())["strategy"] == "linear"


def test_flags_go_before_the_file_and_unknown_settings_are_refused(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"strategy": "lora", "seed": 1, "inverse_regularization": 2.0}))
    arguments = ["--data", str(tiny_data), "--out", str(tmp_path / "out"), *LABELS]
    chosen = [*arguments, "--recipe", str(file), "--strategy", "linear", "--seed", "5"]
    assert main(chosen) == 0
    saved = json.loads((tmp_path / "out" / "recipe.json").read_text())
    assert (saved["strategy"], saved["seed"]) == ("linear", 5)
    assert saved["inverse_regularization"] == 2.0
    capsys.readouterr()
    file.write_text(json.dumps({"strategie": "lora"}))
    assert main([*arguments, "--recipe", str(file)]) == 1
    failure = _lines(capsys.readouterr().out)[-1]
    assert failure["failed"] == "rejected"
    assert "strategie" in failure["detail"]


def test_a_failure_is_the_last_line_and_the_exit_code(
    tiny_data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--data", str(tiny_data), "--out", str(tmp_path), *LABELS]
    assert main(arguments) == 1
    failure = _lines(capsys.readouterr().out)[-1]
    assert failure == {
        "failed": "rejected",
        "detail": "base: the strategy lora needs a base model",
    }


TRAIN = ("-m", "services.trainer.train")
# Killed from outside, a run this small may be over by then.
TRAIN_TO_STEP_7 = (
    "-c",
    """
import os, signal, sys
from services.trainer.progress import Progress
say = Progress.say

def say_and_die(self, phase, **measures):
    say(self, phase, **measures)
    if measures.get("step") == 7:
        os.kill(os.getpid(), signal.SIGKILL)

Progress.say = say_and_die
from services.trainer.train import main
sys.exit(main(sys.argv[1:]))
""",
)


@pytest.mark.slow
def test_a_run_killed_with_sigkill_ends_in_the_same_adapter(
    tiny_base: Path, tiny_data: Path, tmp_path: Path
) -> None:
    settings = {"epochs": 3, "batch_cases": 8, "least_steps": 1, "learning_rate": 0.02}
    settings |= {"checkpoint_every": 2}
    (tmp_path / "mine.json").write_text(json.dumps(settings))

    def train(out: str, program: Sequence[str]) -> subprocess.CompletedProcess[str]:
        places = ["--data", str(tiny_data), "--base", str(tiny_base), "--out", str(tmp_path / out)]
        recipe = ["--recipe", str(tmp_path / "mine.json"), "--device", "cpu", *LABELS]
        command = [sys.executable, *program, *places, *recipe]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)

    assert train("whole", TRAIN).returncode == 0
    assert train("killed", TRAIN_TO_STEP_7).returncode == -signal.SIGKILL
    assert not (tmp_path / "killed" / "metrics.json").exists()
    resumed = train("killed", TRAIN)
    assert resumed.returncode == 0
    assert 4 < _lines(resumed.stdout)[0]["step"] < 18
    whole, killed = (
        load_file(tmp_path / name / "adapter_model.safetensors") for name in ("whole", "killed")
    )
    for name, weight in whole.items():
        assert (weight - killed[name]).abs().max() < 1e-3
