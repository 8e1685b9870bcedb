"""The training loop, able to stop inside an epoch and to go on bit for bit.

A sweep is preempted, packed several to a GPU and resumed elsewhere. Everything that decides the next step is therefore
state: weights, optimiser, loss scale, the noise generator, the epoch and the step. The order of an epoch comes from
(seed, epoch) alone. The images lie on the device as uint8 and are indexed there: no loader, no worker processes.
"""

import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import torch

from aesweep.models.config import TrialConfig
from aesweep.models.identity import stream_seed
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.networks.reconstruction import bce_on_test_images
from aesweep.models.precision import autocast, choose_precision
from aesweep.models.training.epoch_record import EpochRecord, term_records
from aesweep.models.training.losses import Loss
from aesweep.models.training.optimization import (
    build_adam,
    load_optimizer_state,
    optimizer_state,
    set_learning_rate,
)
from aesweep.models.training.schedule import learning_rate
from aesweep.models.training.step_graph import StepRunner, worth_recording

CHECK_STEPS = 50  # a look at the losses waits for the device, so not every step


class NonFiniteLossError(RuntimeError):
    """The loss or a weight became infinite or NaN; the message names the epoch and the step."""


class Trainer:
    """Trains one trial, epoch by epoch. The caller sets the number of threads, and saves when it likes."""

    def __init__(
        self,
        config: TrialConfig,
        train: torch.Tensor,
        *,
        device: torch.device,
        test_sample: torch.Tensor | None = None,
        compile: bool = False,
        replay: bool = True,
    ) -> None:
        """`train`: uint8 (N, size, size, channels) on `device`. `compile`: encoder and decoder go through torch.compile.

        `test_sample`: uint8 (n, size, size, channels), test images that are measured after every epoch (test_sample.py). That
        changes no bit of the training.

        `replay`: steps of a narrow network on a GPU are replayed as CUDA graphs (step_graph.py); False launches each, for
        comparison: with deterministic kernels the bits are the same.
        """
        size, _, channels = config.image_shape
        if train.dtype != torch.uint8 or train.shape[1:] != config.image_shape:
            expected = f"uint8 (N, {size}, {size}, {channels})"
            raise ValueError(f"train: expected {expected}, got {train.dtype} {tuple(train.shape)}")
        self._sizes = _batch_sizes(len(train), config.batch_size)
        self.config = config
        self.device = torch.device(device)
        self.precision = choose_precision(config.precision, self.device)
        self.model = build_autoencoder(config).to(self.device)
        if compile:
            self.model.encoder.compile()
            self.model.decoder.compile()
        trained = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self.optimizer = build_adam(trained, self.device)
        self.scaler = torch.amp.GradScaler(self.device.type, enabled=self.precision == "fp16")
        self.noise = torch.Generator(self.device).manual_seed(stream_seed("noise", config.seed))
        self.history: list[EpochRecord] = []
        self.epoch = 0  # completed epochs
        self.step = 0  # steps done in the running epoch
        self.train_seconds = 0.0
        self._epoch_seconds = 0.0
        self._mark: float | None = None  # until when the seconds above are counted; None while nothing is trained
        self._train = train
        self._test_sample = test_sample
        self._compiles = compile
        self._loss = Loss(config, train)
        # Per step: total, reconstruction, terms in the order of their weights.
        self._losses = torch.zeros(self.steps_per_epoch, 2 + len(self._loss.weights), device=self.device)
        replay = replay and worth_recording(config, self.device, self.precision, compile)
        self._steps = StepRunner(self._sizes[0], replay=replay)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.config.epochs

    @property
    def steps_per_epoch(self) -> int:
        """Optimiser steps in one epoch."""
        return len(self._sizes)

    @property
    def replaying(self) -> bool:
        """Whether steps are replayed from a CUDA graph by now; the short last one of an epoch never is."""
        return self._steps.graph is not None

    def run_epoch(self, after_step: Callable[[], bool] | None = None) -> EpochRecord | None:
        """Train to the end of the running epoch and return its record.

        `after_step` is called after every step; when it returns True the epoch is left there, None is returned, and the
        next call goes on from that step. Raises `NonFiniteLossError`.
        """
        if self.finished:
            raise ValueError(f"all {self.config.epochs} epochs of {self.config.name} are done")
        self._mark = time.perf_counter()
        self.model.train()
        set_learning_rate(self.optimizer, learning_rate(self.config, self.epoch))
        batches = self._batches()
        try:
            while self.step < self.steps_per_epoch:
                self._losses[self.step] = self._steps.run(self._train_step, batches[self.step], self.noise)
                self.step += 1
                if self.step % CHECK_STEPS == 0:
                    self._check_finite()
                if after_step is not None and after_step():
                    return None
            self._check_finite()  # also waits for the device, so that the time below is true
            if self.epoch + 1 == self.config.epochs:
                self._check_weights()  # the next loss would show what the last step did, but there is none
        finally:
            self._tick()
            self._mark = None
        return self._close_epoch()

    def _tick(self) -> None:
        """Count the seconds since the mark. A checkpoint may be taken inside an epoch, and hold all that it took so far."""
        if self._mark is not None:
            now = time.perf_counter()
            self.train_seconds += now - self._mark
            self._epoch_seconds += now - self._mark
            self._mark = now

    def _batches(self) -> tuple[torch.Tensor, ...]:
        """The running epoch's images as one index tensor per step."""
        order = torch.Generator().manual_seed(stream_seed("order", self.config.seed, self.epoch))
        permutation = torch.randperm(len(self._train), generator=order)[: sum(self._sizes)]
        batches: tuple[torch.Tensor, ...] = permutation.to(self.device).split(self._sizes)
        return batches

    def _train_step(self, index: torch.Tensor) -> torch.Tensor:
        """Train on one batch; its total loss, reconstruction and terms, float32 on the device.

        It may be recorded: it waits for nothing, and no number that changes from step to step comes from the CPU.
        """
        images = self._train[index].permute(0, 3, 1, 2).float().div_(255)  # NHWC uint8 -> channels_last NCHW in [0, 1]
        with autocast(self.device, self.precision):
            logits, encoded = self.model(images, self.noise)
        loss = self._loss(logits, images, encoded, self.model.decoder, self.noise)
        self.optimizer.zero_grad(set_to_none=True)  # a graph makes its own, anew
        self.scaler.scale(loss.total).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        terms = (loss.terms[name] for name in self._loss.weights)
        return torch.stack((loss.total, loss.reconstruction, *terms)).detach()

    def _check_finite(self) -> None:
        """Raise if a loss of this epoch is not finite, naming the first such step."""
        totals = self._losses[: self.step, 0]
        bad = (~totals.isfinite()).nonzero()
        if len(bad):
            step = int(bad[0])
            raise NonFiniteLossError(
                f"loss became {totals[step].item()} in epoch {self.epoch + 1} of {self.config.epochs}, "
                f"step {step + 1} of {self.steps_per_epoch} (precision {self.precision})"
            )

    def _check_weights(self) -> None:
        """Raise if a weight or a running statistic is not finite, naming the first such tensor."""
        tensors = {name: t for name, t in self.model.state_dict().items() if t.is_floating_point()}
        finite = torch.stack([tensor.isfinite().all() for tensor in tensors.values()]).tolist()  # one wait for all
        if not all(finite):
            raise NonFiniteLossError(
                f"{list(tensors)[finite.index(False)]} is not finite in epoch {self.epoch + 1} of {self.config.epochs}, "
                f"after step {self.step} of {self.steps_per_epoch} (precision {self.precision})"
            )

    def _close_epoch(self) -> EpochRecord:
        weights = torch.tensor(self._sizes, dtype=torch.float64)
        total, reconstruction, *values = (weights @ self._losses.double().cpu() / weights.sum()).tolist()
        terms = dict(zip(self._loss.weights, values, strict=True))
        attempted = (self.epoch + 1) * self.steps_per_epoch - sum(record.skipped_steps for record in self.history)
        record = EpochRecord(
            epoch=self.epoch + 1,
            learning_rate=learning_rate(self.config, self.epoch),
            loss=total,
            reconstruction=reconstruction,
            kl=terms.get("kl"),
            seconds=self._epoch_seconds,
            images_per_second=sum(self._sizes) / self._epoch_seconds,
            skipped_steps=attempted - self._optimizer_steps(),
            test_sample_bce=self._test_sample_bce(),
            terms=term_records(reconstruction, terms, self._loss.weights),
        )
        self.history.append(record)
        self.epoch += 1
        self.step = 0
        self._epoch_seconds = 0.0
        self._losses.zero_()
        return record

    def _test_sample_bce(self) -> float | None:
        if self._test_sample is None:
            return None
        # A compiled network would be compiled once more, for other shapes and for eval mode.
        eagerly = torch.compiler.set_stance("force_eager") if self._compiles else nullcontext()
        with eagerly:
            bce = bce_on_test_images(self.model, self._test_sample, self.device, self.precision)
        return bce if math.isfinite(bce) else None

    def _optimizer_steps(self) -> int:
        """Steps that Adam has taken; those that loss scaling skipped are not among them."""
        for state in self.optimizer.state.values():
            return int(state["step"].item())  # all parameters take or skip a step together: one wait is enough
        return 0

    def state_dict(self) -> dict[str, Any]:
        """All that decides the rest of the training: tensors, numbers, lists and dicts alone.

        Raises `NonFiniteLossError` where that is lost already: every attempt that goes on from it would fail again.
        """
        self._check_finite()
        self._check_weights()
        self._tick()
        return {
            "model": self.model.state_dict(),
            "optimizer": optimizer_state(self.optimizer),
            "scaler": self.scaler.state_dict(),
            "noise": self.noise.get_state(),
            "precision": self.precision,
            "images": len(self._train),
            "epoch": self.epoch,
            "step": self.step,
            "losses": self._losses,
            "epoch_seconds": self._epoch_seconds,
            "train_seconds": self.train_seconds,
            "history": [asdict(record) for record in self.history],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from `state_dict()` of a trainer of the same trial.

        Raises ValueError if it was trained in another precision or on another number of images: the result would be
        neither.
        """
        for name, here in (("precision", self.precision), ("images", len(self._train))):
            if state[name] != here:
                raise ValueError(f"the state was trained with {name} {state[name]}, this trainer has {here}")
        self._steps.forget()
        self.model.load_state_dict(state["model"])
        load_optimizer_state(self.optimizer, state["optimizer"])
        self.scaler.load_state_dict(state["scaler"])
        self.noise.set_state(state["noise"].cpu())
        self.epoch, self.step = state["epoch"], state["step"]
        # An older version kept a column for a DAE's KL too.
        self._losses.copy_(state["losses"][:, : self._losses.shape[1]])
        self._epoch_seconds, self.train_seconds = state["epoch_seconds"], state["train_seconds"]
        self.history = [EpochRecord.from_json(record) for record in state["history"]]


def _batch_sizes(images: int, batch_size: int) -> list[int]:
    """Sizes of an epoch's batches.

    The last, smaller one is trained on (as Keras does) unless it would hold a single image, over which the latents' batch
    normalisation has no variance: then one image, another each epoch, sits out, in every trial of these images alike.
    """
    if images < 2:
        raise ValueError(f"train: {images} images are too few to train on")
    sizes = [batch_size] * (images // batch_size)
    rest = images % batch_size
    return [*sizes, rest] if rest > 1 else sizes
