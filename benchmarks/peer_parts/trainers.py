"""Four ways to train the same network on the same images, each in a process of its own.

    python -m peer_parts.trainers NAME DEVICE FILTERS WARM STEPS IMAGES

Every peer gets float images in memory, as its users give them, and trains by Adam at our first learning rate. Its own defaults stay,
apart from what writes files or logs. Prints one line of JSON.
"""

import json
import logging
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from aesweep.models.config import TrialConfig
from aesweep.models.cost import STEP_FACTOR, flops_per_image
from aesweep.models.data.datasets import DataSource, default_data_dir
from aesweep.models.data.images import load_images
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.precision import choose_precision
from aesweep.models.training.trainer import Trainer
from aesweep.sweep.worker.memory import keep_freed_memory
from peer_parts.clock import Clock, Enough

Found = tuple[float, str]
"""The last loss, and the precision."""


def images_of(config: TrialConfig, count: int) -> torch.Tensor:
    """`count` images of scikit-learn's digits, repeated; uint8 (N, 32, 32, 3)."""
    found = torch.from_numpy(np.array(load_images(config, DataSource(data_dir=default_data_dir())).train))
    return found.repeat(-(-count // len(found)), 1, 1, 1)[:count]


def as_floats(images: torch.Tensor) -> torch.Tensor:
    """float32 (N, 3, 32, 32) in [0, 1]."""
    return images.permute(0, 3, 1, 2).float().div(255).contiguous()


def network(config: TrialConfig) -> nn.Module:
    """The trial's network with the memory layout that PyTorch gives by default."""
    model: nn.Module = build_autoencoder(config).to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return model


def ours(config: TrialConfig, images: torch.Tensor, clock: Clock) -> Found:
    """Our trainer, as a worker of a sweep runs it."""
    keep_freed_memory()
    return ours_with_usual_malloc(config, images, clock)


def ours_with_usual_malloc(config: TrialConfig, images: torch.Tensor, clock: Clock) -> Found:
    """Our trainer, with the C library's memory allocation as it comes."""
    trainer = Trainer(config, images.to(clock.device), device=clock.device)
    while not clock.found:
        trainer.run_epoch(clock.step)
    loss = trainer._losses[trainer.step - 1, 0].item()
    if clock.device.type == "cpu":
        clock.found["convolutions"] = share_of_convolutions(trainer, clock.steps)
        clock.found["peak_gflops"] = speed_of_products(trainer.precision)
        operations = STEP_FACTOR * flops_per_image(config) * clock.found["per_cpu_second"]
        at_peak = operations / clock.found["peak_gflops"] / 1e9  # of a second in which we train now
        clock.found["gain_at_peak"] = 1 / (1 - clock.found["convolutions"] + at_peak)
    return loss, trainer.precision


def share_of_convolutions(trainer: Trainer, steps: int) -> float:
    """What part of the time of about `steps` more steps convolutions and their gradients take."""
    following = Clock(trainer.device, warm=0, steps=steps, batch=1)
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        began = time.perf_counter()
        trainer.run_epoch(following.step)
        seconds = time.perf_counter() - began
    found = (event.self_cpu_time_total for event in profile.key_averages() if "conv" in event.key.lower())
    return sum(found) / 1e6 / seconds


def speed_of_products(precision: str) -> float:
    """GFLOP/s of the fastest of some products of large matrices, which oneDNN computes as it does convolutions."""
    dtype, side = torch.bfloat16 if precision == "bf16" else torch.float32, 2048
    a, b = (torch.randn(side, side).to(dtype) for _ in range(2))
    rates = []
    for _ in range(8):
        began = time.process_time()
        a @ b
        rates.append(2 * side**3 / (time.process_time() - began) / 1e9)
    return max(rates)


def textbook(config: TrialConfig, images: torch.Tensor, clock: Clock) -> Found:
    """A loop as a tutorial has it: DataLoader, fp32, Adam, the loss of every step."""
    model = network(config).to(clock.device).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rates[0])
    loader = _loader(config, images, clock.device)

    def forever() -> Iterator[torch.Tensor]:
        while True:
            for (batch,) in loader:
                yield batch

    for batch in forever():
        x = batch.to(clock.device, non_blocking=True)
        loss = F.binary_cross_entropy_with_logits(model(x)[0], x)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        last = loss.item()
        if clock.step():
            return last, "fp32"
    raise AssertionError("unreachable")


def lightning(config: TrialConfig, images: torch.Tensor, clock: Clock) -> Found:
    """Lightning's Trainer, with its mixed precision where the hardware computes in bf16."""
    from lightning.pytorch import Callback, LightningModule
    from lightning.pytorch import Trainer as LightningTrainer

    class Module(LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.network = network(config)

        def training_step(self, batch: list[torch.Tensor], _: int) -> torch.Tensor:
            loss = F.binary_cross_entropy_with_logits(self.network(batch[0])[0], batch[0])
            self.last = loss.detach()
            return loss

        def configure_optimizers(self) -> torch.optim.Optimizer:
            return torch.optim.Adam(self.parameters(), lr=config.learning_rates[0])

    class Steps(Callback):
        def on_train_batch_end(self, *_: Any) -> None:
            clock.step()

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    mixed = choose_precision("auto", clock.device) == "bf16"
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    trainer = LightningTrainer(
        accelerator=clock.device.type,
        devices=1,
        precision="bf16-mixed" if mixed else "32-true",
        max_steps=clock.warm + clock.steps,
        callbacks=[Steps()],
        **quiet,
    )
    module = Module()
    trainer.fit(module, _loader(config, images, clock.device))
    return module.last.item(), "bf16" if mixed else "fp32"


def pythae(config: TrialConfig, images: torch.Tensor, clock: Clock) -> Found:
    """Pythae's BaseTrainer, in fp32 as it comes."""
    return _pythae(config, images, clock, amp=False)


def pythae_amp(config: TrialConfig, images: torch.Tensor, clock: Clock) -> Found:
    """Pythae's BaseTrainer with its option `amp`, which only works on a GPU."""
    return _pythae(config, images, clock, amp=True)


def _pythae(config: TrialConfig, images: torch.Tensor, clock: Clock, *, amp: bool) -> Found:
    from pythae.data.datasets import BaseDataset
    from pythae.models import BaseAE, BaseAEConfig
    from pythae.models.base.base_utils import ModelOutput
    from pythae.models.nn import BaseDecoder
    from pythae.trainers import BaseTrainer, BaseTrainerConfig
    from pythae.trainers.training_callbacks import TrainingCallback

    class Model(BaseAE):  # type: ignore[misc]
        def __init__(self) -> None:
            shape = tuple(as_floats(images[:1]).shape[1:])
            super().__init__(BaseAEConfig(input_dim=shape, latent_dim=config.latent_size), decoder=BaseDecoder())
            self.network = network(config)

        def forward(self, inputs: Any, **_: Any) -> ModelOutput:
            loss = F.binary_cross_entropy_with_logits(self.network(inputs["data"])[0], inputs["data"])
            self.last = loss.detach()
            return ModelOutput(loss=loss)

    class Steps(TrainingCallback):  # type: ignore[misc]
        def on_train_step_end(self, *_: Any, **__: Any) -> None:
            clock.step_or_leave()

    model = Model()
    with tempfile.TemporaryDirectory() as folder, suppress(Enough):
        settings = BaseTrainerConfig(
            output_dir=folder,
            per_device_train_batch_size=config.batch_size,
            learning_rate=config.learning_rates[0],
            no_cuda=clock.device.type != "cuda",
            amp=amp,
        )
        data = BaseDataset(as_floats(images), torch.zeros(len(images)))
        BaseTrainer(model, data, training_config=settings, callbacks=[Steps()]).train()
    return model.last.item(), "fp16" if amp else "fp32"


def _loader(config: TrialConfig, images: torch.Tensor, device: torch.device) -> DataLoader[Any]:
    data = TensorDataset(as_floats(images))
    return DataLoader(data, config.batch_size, shuffle=True, drop_last=True, pin_memory=device.type == "cuda")


TRAINERS: dict[str, Callable[[TrialConfig, torch.Tensor, Clock], Found]] = {
    "aesweep": ours,
    "aesweep-usual-malloc": ours_with_usual_malloc,
    "pythae": pythae,
    "pythae-amp": pythae_amp,
    "textbook": textbook,
    "lightning": lightning,
}
PACKAGE = {"aesweep": "torch", "aesweep-usual-malloc": "torch", "textbook": "torch", "pythae-amp": "pythae"}


def main(name: str, device: str, filters: int, warm: int, steps: int, count: int) -> None:
    """Train, and print what was measured."""
    torch.set_num_threads(1)
    config = TrialConfig(filters=filters, latent_size=128, epochs=100_000, warmup_epochs=0)  # one learning rate for all
    clock = Clock(torch.device(device), warm, steps, config.batch_size)
    loss, precision = TRAINERS[name](config, images_of(config, count), clock)
    package = PACKAGE.get(name, name)
    found = {**clock.found, "loss": loss, "precision": precision, "version": f"{package} {version(package)}"}
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
