"""Ways to make a training step faster train the same; whether they are faster, only a GPU can say."""

from dataclasses import replace

import pytest
import torch
from gpu_parts.changes import CHANGES, Change, cast_weights_at_once
from gpu_parts.comparison import PartlyFailedError, loss_of, section
from gpu_parts.loops import noise, trial, warm_trainer
from gpu_parts.packing import replay_on, trainers_on_streams
from torch._dynamo.utils import counters

from aesweep.models.config import TrialConfig
from aesweep.models.training.trainer import Trainer

CPU = torch.device("cpu")
COMPILED = {change.name for change in CHANGES if "compiled" in change.name}


FP32 = TrialConfig(filters=2, latent_size=4, batch_size=16, epochs=2, precision="fp32")


def loss_after_some_steps(change: Change | None) -> float:
    return loss_of(warm_trainer(FP32, CPU, noise(FP32, CPU, 160), None if change is None else change.apply))


@pytest.mark.parametrize(
    "change", [pytest.param(c, marks=[pytest.mark.slow] * (c.name in COMPILED), id=c.name) for c in CHANGES]
)
def test_a_changed_step_trains_the_same(change: Change) -> None:
    counters.clear()
    assert loss_after_some_steps(change) == pytest.approx(loss_after_some_steps(None), rel=1e-6)
    assert (counters["stats"]["unique_graphs"] > 0) == (
        change.name in COMPILED
    )  # torch.compile may do nothing, silently


def test_weights_that_are_cast_at_once_give_the_same_bits_in_half_precision() -> None:
    config = replace(FP32, precision="bf16")
    changed = warm_trainer(config, CPU, noise(config, CPU, 160), cast_weights_at_once)
    as_it_is = warm_trainer(config, CPU, noise(config, CPU, 160))
    assert [p.tolist() for p in changed.model.parameters()] == [p.tolist() for p in as_it_is.model.parameters()]


def test_a_change_that_fails_leaves_the_others_on_the_page(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Trainer) -> None:
        raise RuntimeError("no such kernel")

    changes = [Change("works", {}, cast_weights_at_once), Change("fails", {}, fail)]
    monkeypatch.setattr("gpu_parts.comparison.CHANGES", changes)
    with pytest.raises(PartlyFailedError) as found:
        section(CPU, [2], rounds=1, steps=1, images=1500)
    assert "| works, launched |" in str(found.value)
    assert "fails, 2 filters, failed:" in str(found.value) and "no such kernel" in str(found.value)


@pytest.mark.gpu
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_a_changed_step_is_recorded(change: Change) -> None:
    device, config = torch.device("cuda"), trial(16)
    trainer = warm_trainer(config, device, noise(config, device, 12_800), change.apply)
    assert trainer.replaying


@pytest.mark.gpu
def test_trials_on_streams_of_one_process_do_not_disturb_each_other() -> None:
    device, config = torch.device("cuda"), trial(16)
    train, batch = noise(config, device, 12_800), torch.arange(128, device=device)
    alone, together = (trainers_on_streams(config, device, train, count) for count in (1, 4))
    torch.cuda.synchronize()
    for _ in range(20):
        expected, *found = (replay_on(stream, trainer, batch)[0] for trainer, stream in {**alone, **together}.items())
    torch.cuda.synchronize()
    assert [loss.item() for loss in found] == pytest.approx([expected.item()] * 4, rel=0.01)
