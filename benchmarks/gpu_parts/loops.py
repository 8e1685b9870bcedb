"""A trainer whose steps can be run one after another, on noise: what it trains on changes no time."""

import time
from collections.abc import Callable

import torch

from aesweep.models.config import TrialConfig
from aesweep.models.training.step_graph import WARMUP_STEPS
from aesweep.models.training.trainer import Trainer

WARM = WARMUP_STEPS + 5
"""Steps that choose kernels, fill caches and record the graph."""


def trial(filters: int, image_size: int = 32, batch_size: int = 128) -> TrialConfig:
    """A plain DAE with 128 latent units that does not end."""
    return TrialConfig(filters=filters, latent_size=128, image_size=image_size, batch_size=batch_size, epochs=100_000)


def noise(config: TrialConfig, device: torch.device, images: int) -> torch.Tensor:
    """Images of noise, uint8 (N, size, size, 3), the same at every call."""
    shape = (images, config.image_size, config.image_size, 3)
    generator = torch.Generator(device).manual_seed(0)
    return torch.randint(0, 256, shape, dtype=torch.uint8, device=device, generator=generator)


def warm_trainer(
    config: TrialConfig, device: torch.device, images: torch.Tensor, change: Callable[[Trainer], None] | None = None
) -> Trainer:
    """A trainer, changed or as it is, that has done its first steps on uint8 `images`."""
    trainer = Trainer(config, images, device=device)
    if change is not None:
        change(trainer)
    run_steps(trainer, WARM)
    return trainer


def run_steps(trainer: Trainer, steps: int) -> int:
    """Train so many steps and wait for the device; the number of images that they took."""
    done, images = 0, 0

    def after_step() -> bool:
        nonlocal done, images
        done += 1
        images += trainer._sizes[trainer.step - 1]
        return done == steps

    while done < steps:
        trainer.run_epoch(after_step)
    wait_for(trainer.device)
    return images


def wait_for(device: torch.device) -> None:
    """Wait until the device has finished its work."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(run: Callable[[], object]) -> float:
    """Wall-clock seconds of a call."""
    started = time.perf_counter()
    run()
    return time.perf_counter() - started
