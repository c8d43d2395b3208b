"""Versions for the tiny base model: LoRA adapters with random weights, as peft saves them."""

from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM


def save_tiny_adapter(base: Path, directory: Path, *, seed: int, spread: float = 0.3) -> Path:
    """By peft's own means, so that reading it proves that we read what peft writes."""
    model: Any = AutoModelForCausalLM.from_pretrained(base)
    config = LoraConfig(r=4, lora_alpha=8, target_modules=["q_proj", "v_proj", "down_proj"])
    model = get_peft_model(model, config)
    torch.manual_seed(seed)
    for name, parameter in model.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=spread)
    model.save_pretrained(directory)
    return directory
