"""The test images that are measured after every epoch: cheap, always the same, and without effect on the training."""

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.images import load_images
from aesweep.models.networks.reconstruction import bce_on_test_images
from aesweep.models.training.checkpoint import checkpoint_bytes, restore_checkpoint
from aesweep.models.training.test_sample import sample_of, sample_size
from aesweep.models.training.trainer import Trainer

CPU = torch.device("cpu")
TINY = TrialConfig(filters=2, latent_size=4, epochs=3, batch_size=16, precision="fp32", noise_std=0.1)


def images(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randint(0, 256, (n, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed))


def train(config: TrialConfig, sample: torch.Tensor | None, epochs: int = 3) -> Trainer:
    trainer = Trainer(config, images(80), device=CPU, test_sample=sample)
    for _ in range(epochs):
        trainer.run_epoch()
    return trainer


@pytest.mark.parametrize(
    "config",
    [TINY, replace(TINY, model="vae", noise_std=0.0), replace(TINY, latent_norm="spectral")],
    ids=["dae", "vae", "spectral"],
)
def test_measuring_the_sample_changes_no_bit_of_the_training(config: TrialConfig) -> None:
    with_sample, without = train(config, images(5, seed=1)), train(config, None)
    assert [replace(epoch, test_sample_bce=None).loss for epoch in with_sample.history] == [
        epoch.loss for epoch in without.history
    ]
    for (name, one), other in zip(
        with_sample.model.state_dict().items(), without.model.state_dict().values(), strict=True
    ):
        assert torch.equal(one, other), name
    assert torch.equal(with_sample.noise.get_state(), without.noise.get_state())
    assert [epoch.test_sample_bce for epoch in without.history] == [None] * 3


def test_the_number_is_the_cross_entropy_of_the_sample_after_that_epoch() -> None:
    sample = images(5, seed=1)
    trainer = train(TINY, sample)
    assert trainer.history[-1].test_sample_bce == bce_on_test_images(trainer.model, sample, CPU, "fp32")
    assert len({epoch.test_sample_bce for epoch in trainer.history}) == 3


def test_a_model_whose_output_is_no_number_in_eval_mode_has_none() -> None:
    trainer = train(TINY, images(5, seed=1), epochs=1)
    for name, buffer in trainer.model.named_buffers():
        if name.endswith("running_var"):
            buffer.fill_(float("nan"))  # replaced by nothing: the next epoch moves it, and it stays so
    trainer.run_epoch()
    assert trainer.history[-1].test_sample_bce is None


def test_checkpoints_hold_the_numbers_and_those_of_older_versions_are_read() -> None:
    trainer = train(TINY, images(5, seed=1), epochs=2)
    again = Trainer(TINY, images(80), device=CPU, test_sample=images(5, seed=1))
    restore_checkpoint(again, checkpoint_bytes(trainer))
    assert again.history == trainer.history
    state = trainer.state_dict()
    for epoch in state["history"]:
        del epoch["test_sample_bce"]
    again.load_state_dict(state)
    assert [epoch.test_sample_bce for epoch in again.history] == [None, None]


def test_the_sample_is_the_same_for_all_trials_and_small(tmp_path: Path) -> None:
    digits = load_images(TINY, DataSource(data_dir=tmp_path))
    sample = sample_of(digits.train, digits.test, CPU)
    assert sample.shape[0] == sample_size(len(digits.train), len(digits.test)) == len(digits.train) // 50
    assert torch.equal(sample, sample_of(digits.train, digits.test, CPU))
    everything = np.asarray(digits.test).reshape(len(digits.test), -1)
    for image in sample.numpy():
        assert (everything == image.reshape(-1)).all(axis=1).any(), "a test image"
    assert [sample_size(*sizes) for sizes in ((50_000, 10_000), (10, 3), (50_000, 7))] == [256, 1, 7]


@pytest.mark.slow
def test_the_sample_costs_about_a_hundredth_of_an_epoch(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    config = replace(TINY, filters=8, latent_size=16, batch_size=128, epochs=9)
    digits = load_images(config, DataSource(data_dir=tmp_path))
    train_images = torch.from_numpy(np.array(digits.train))
    trainer = Trainer(config, train_images, device=CPU)
    trainer.run_epoch()
    epochs = min(trainer.run_epoch().seconds for _ in range(3))  # type: ignore[union-attr]
    sample = sample_of(digits.train, digits.test, CPU)
    taken = []
    for _ in range(5):
        started = time.perf_counter()
        bce_on_test_images(trainer.model, sample, CPU, "fp32")
        taken.append(time.perf_counter() - started)
    print(f"{min(taken) / epochs:.2%} of an epoch")
    assert min(taken) < 0.015 * epochs
