"""Whether a training stays below the memory that we predict, and whether the limit of a shared GPU holds."""

import torch

from aesweep.models.training.gpu_memory import most_training_bytes
from aesweep.sweep.worker.device import free_memory, is_out_of_memory, limit_memory
from gpu_parts.loops import noise, trial, warm_trainer

SMALL_SHARE = 1e-4  # so that the bytes decide
TOO_LITTLE = 4  # half may be enough for steps that are launched: a recorded one has as much again


def section(device: torch.device, widths: list[int], image_size: int, images: int) -> str:
    """Markdown: predicted and used gigabytes of each width. Raises where a prediction or the limit fails; a CPU only predicts."""
    lines = [
        "## Memory of a training",
        "",
        "| filters | predicted at most, GB | reserved, GB | steps |",
        "|---|---|---|---|",
    ]
    for filters in widths:
        config = trial(filters, image_size)
        predicted = most_training_bytes(config, images * image_size**2 * config.channels)
        if device.type == "cuda":
            limit_memory(device, SMALL_SHARE, predicted)
        used, steps = _reserved(device, filters, image_size, images)
        lines.append(f"| {filters} | {predicted / 1e9:.2f} | {used / 1e9:.2f} | {steps} |")
        if used > predicted:
            raise RuntimeError(f"{filters} filters reserve {used:,} bytes, and {predicted:,} were predicted at most")
    if device.type == "cuda":
        said = _past_the_limit(device, widths[-1], image_size, images, used // TOO_LITTLE)
        lines += ["", f"With a quarter of that memory allowed, {widths[-1]} filters ended with `{said}`"]
    return "\n".join(lines)


def _reserved(device: torch.device, filters: int, image_size: int, images: int) -> tuple[int, str]:
    """What torch reserves for a training whose steps are recorded where they are worth it."""
    free_memory()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    config = trial(filters, image_size)
    trainer = warm_trainer(config, device, noise(config, device, images))
    used = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else 0
    return used, "replayed" if trainer.replaying else "launched"


def _past_the_limit(device: torch.device, filters: int, image_size: int, images: int, allowed: int) -> str:
    """The error of a training that may take too little; it trains again when it may take more."""
    free_memory()
    limit_memory(device, SMALL_SHARE, allowed)
    try:
        _reserved(device, filters, image_size, images)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        said = f"{type(error).__name__}: {str(error)[:200]}"
    else:
        raise RuntimeError(f"{filters} filters trained although only {allowed:,} bytes were allowed")
    limit_memory(device, 1.0, 0)
    _reserved(device, filters, image_size, images)
    return said
