"""Replayed steps give the bits of launched ones, wherever they begin, and nobody needs to know when they fail."""

import gc
from dataclasses import replace
from typing import Any

import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.training.checkpoint import checkpoint_bytes, restore_checkpoint
from aesweep.models.training.step_graph import worth_recording
from aesweep.models.training.trainer import NonFiniteLossError, Trainer
from tests.fresh_process import run_python

CUDA = torch.device("cuda")
# 5 steps of 16 and one of 8 an epoch: recorded in the first epoch, and each epoch has another learning rate
SMALL = TrialConfig(filters=4, latent_size=8, epochs=4, batch_size=16, precision="bf16")
VARIANTS = {
    "dae": SMALL,
    "dae fp32": replace(SMALL, precision="fp32"),
    "dae with noise": replace(SMALL, noise_std=0.5),
    "dae with image noise fp32": replace(SMALL, noise_std=0.5, noise_position="image", precision="fp32"),
    "vae": replace(SMALL, model="vae"),
    "vae fp32": replace(SMALL, model="vae", precision="fp32"),
    "vae, 64 filters": replace(SMALL, model="vae", filters=64),
    "spectral": replace(SMALL, latent_norm="spectral"),
    "frozen batch norm": replace(SMALL, latent_norm="batch", freeze_latent=True),
    "summed loss without norms": replace(SMALL, model="vae", reduction="sum", conv_norm=False),
}


def trainer(config: TrialConfig, device: torch.device = CUDA, replay: bool = True) -> Trainer:
    images = torch.randint(0, 256, (88, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Trainer(config, images.to(device), device=device, replay=replay)


def finish(run: Trainer) -> Trainer:
    while not run.finished:
        run.run_epoch()
    return run


def leave_after(run: Trainer, steps: int) -> None:
    """Train so many steps, across the ends of epochs."""
    for _ in range(steps):
        if run.run_epoch(lambda: True) is None and run.step == run.steps_per_epoch:
            run.run_epoch()  # closes the epoch


def assert_same(run: Trainer, other: Trainer) -> None:
    """Losses, weights, running statistics, moments, counts and the noise generator, bit for bit."""
    assert [record.loss for record in run.history] == [record.loss for record in other.history]
    assert [record.kl for record in run.history] == [record.kl for record in other.history]
    for name, tensor in run.model.state_dict().items():
        assert torch.equal(tensor, other.model.state_dict()[name]), name
    moments = [each.optimizer.state_dict()["state"] for each in (run, other)]
    for number, state in moments[0].items():
        for name, tensor in state.items():
            assert torch.equal(tensor, moments[1][number][name]), (number, name)
    assert torch.equal(run.noise.get_state(), other.noise.get_state())


@pytest.mark.parametrize(
    ("changes", "device", "precision", "compiled", "expected"),
    [
        ({"filters": 32}, "cuda", "bf16", False, True),
        ({"filters": 128}, "cuda", "bf16", False, True),
        ({"filters": 128}, "cuda", "fp32", False, True),
        ({"filters": 256}, "cuda", "bf16", False, False),
        ({"filters": 128, "batch_size": 512}, "cuda", "bf16", False, False),
        ({"filters": 64, "dataset": "celeba", "image_size": 64}, "cuda", "bf16", False, True),
        ({"filters": 128, "dataset": "celeba", "image_size": 64}, "cuda", "bf16", False, False),
        ({"filters": 32}, "cpu", "bf16", False, False),
        ({"filters": 32}, "cuda", "fp16", False, False),
        ({"filters": 32}, "cuda", "bf16", True, False),
    ],
)
def test_steps_are_replayed_where_launching_them_takes_longest(
    changes: dict[str, Any], device: str, precision: str, compiled: bool, expected: bool
) -> None:
    config = replace(TrialConfig(dataset="cifar10"), **changes)
    assert worth_recording(config, torch.device(device), precision, compiled) == expected


def test_nothing_is_replayed_on_a_cpu() -> None:
    run = trainer(replace(SMALL, filters=2, epochs=1), torch.device("cpu"))
    assert not finish(run).replaying


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.usefixtures("deterministic_kernels")
class TestOnAGPU:
    @pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
    def test_replayed_steps_give_the_bits_of_launched_ones(self, config: TrialConfig) -> None:
        launched, replayed = trainer(config, replay=False), trainer(config)
        finish(launched)
        replayed.run_epoch()
        assert replayed.replaying and not launched.replaying
        assert_same(finish(replayed), launched)
        assert len({record.learning_rate for record in replayed.history}) > 2

    @pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
    def test_a_run_resumed_among_replayed_steps_equals_an_uninterrupted_one(self, config: TrialConfig) -> None:
        whole = finish(trainer(config))
        for steps in (2, 5, 6, 16):  # before the recording, before and after the short step, in the third epoch
            run = trainer(config)
            leave_after(run, steps)
            saved = checkpoint_bytes(run)
            resumed = trainer(config)
            leave_after(resumed, 5)  # it holds a graph of other moments already
            restore_checkpoint(resumed, saved)
            assert not resumed.replaying
            assert_same(finish(resumed), whole)
            assert_same(finish(run), whole)
            assert resumed.replaying

    def test_a_checkpoint_is_as_it_was_before_there_were_graphs(self) -> None:
        """A state of that version goes on, and one of this version holds the same kinds of values."""
        whole, run = finish(trainer(SMALL)), trainer(SMALL)
        leave_after(run, 8)
        state = run.state_dict()
        (group,) = state["optimizer"]["param_groups"]
        assert group["lr"] == pytest.approx(1e-3) and isinstance(group["lr"], float)
        old = {**state["optimizer"], "param_groups": [{**group, "capturable": False}]}
        resumed = trainer(SMALL)
        resumed.load_state_dict({**state, "optimizer": old})
        assert_same(finish(resumed), whole)
        assert resumed.replaying

    def test_trainers_that_take_turns_do_not_disturb_each_other(self) -> None:
        configs = [replace(SMALL, model="vae"), replace(SMALL, noise_std=0.5, seed=1)]
        alone = [finish(trainer(config)) for config in configs]
        together = [trainer(config) for config in configs]
        for _ in range(12):
            for run in together:
                leave_after(run, 1)
        assert all(run.replaying for run in together)
        for run, expected in zip(together, alone, strict=True):
            assert_same(finish(run), expected)

    def test_a_replayed_loss_that_is_not_finite_names_its_epoch_and_step(self) -> None:
        """The first epoch is the warmup and records the step; the second has a learning rate beyond all measure."""
        run = trainer(replace(SMALL, conv_norm=False, learning_rates=(1e30,), learning_rate_drops=()))
        run.run_epoch()
        assert run.replaying
        with pytest.raises(NonFiniteLossError, match=r"epoch 2 of 4, step 2 of 6"):
            run.run_epoch()

    def test_a_graph_goes_with_its_trainer(self) -> None:
        def reserved() -> int:
            gc.collect()
            torch.cuda.empty_cache()
            return torch.cuda.memory_reserved()

        finish(trainer(SMALL))  # loads libraries, which keep their workspaces
        before = reserved()
        run = finish(trainer(replace(SMALL, filters=64)))
        assert run.replaying and reserved() > before
        del run
        assert reserved() <= before

    @pytest.mark.parametrize("fault", ["number = outputs[0].sum().item()", "torch.empty(1 << 50, device='cuda')"])
    def test_a_recording_that_fails_changes_nothing_but_the_speed(self, fault: str) -> None:
        """A hook that waits for the device breaks the recording off, and memory may lack while one is made. In a process of
        its own, since no step is recorded after that."""
        code = f"""
import logging, torch
from tests.models.training.test_step_graph import SMALL, assert_same, finish, replace, trainer
logging.basicConfig()
torch.use_deterministic_algorithms(True)
config = replace(SMALL, model="vae")
expected = finish(trainer(config, replay=False))
run = trainer(config)
def fault(module, inputs, outputs):
    if torch.cuda.is_current_stream_capturing():
        {fault}
run.model.register_forward_hook(fault)
finish(run)
assert not run.replaying
assert_same(run, expected)
torch.cuda.empty_cache()
later = finish(trainer(config))
assert not later.replaying
assert_same(later, expected)
try:
    torch.empty(1 << 50, device="cuda")
except torch.OutOfMemoryError:
    print("GOES ON")
"""
        done = run_python(code, timeout=200)
        assert done.returncode == 0 and "GOES ON" in done.stdout, done.stderr
        assert done.stderr.count("could not be recorded as a CUDA graph") == 1, done.stderr
