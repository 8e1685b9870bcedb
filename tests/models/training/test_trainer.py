"""The loop: what it learns, how it stops and goes on, and how it fails."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.images import load_images
from aesweep.models.errors import InputError
from aesweep.models.networks.reconstruction import bce_on_test_images, mean_image_bce
from aesweep.models.training.trainer import NonFiniteLossError, Trainer

CPU = torch.device("cpu")
TINY = TrialConfig(filters=2, latent_size=4, epochs=3, batch_size=16, precision="fp32")


def noise_images(n: int = 40) -> torch.Tensor:
    return torch.randint(0, 256, (n, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def leave_at(step: int) -> Callable[[], bool]:
    """An `after_step` that leaves the epoch after its `step`-th call."""
    left = iter([False] * (step - 1) + [True])
    return lambda: next(left)


def test_a_small_autoencoder_learns_digits_far_better_than_the_mean_image(tmp_path: Path) -> None:
    config = TrialConfig(
        filters=4, latent_size=16, epochs=8, batch_size=16, precision="fp32", learning_rates=(3e-3, 1e-3, 1e-4)
    )
    images = load_images(config, DataSource(data_dir=tmp_path))
    train = torch.from_numpy(np.array(images.train[:500]))
    trainer = Trainer(config, train, device=CPU)
    while not trainer.finished:
        trainer.run_epoch()
    nothing_learnt = mean_image_bce(train, images.test)
    # the cross-entropy of grey pixels with themselves: no model can score less
    x = images.test / 255.0
    least = -(x * np.log(np.maximum(x, 1e-12)) + (1 - x) * np.log(np.maximum(1 - x, 1e-12))).mean()
    reached = bce_on_test_images(trainer.model, images.test, CPU, "fp32")
    assert least < reached < least + 0.5 * (nothing_learnt - least)
    assert trainer.history[-1].loss < 0.7 * trainer.history[0].loss


def test_the_same_settings_give_the_same_bits_and_another_seed_others() -> None:
    def weights(config: TrialConfig) -> torch.Tensor:
        trainer = Trainer(config, noise_images(), device=CPU)
        trainer.run_epoch()
        weight: torch.Tensor = trainer.model.decoder.last.weight
        return weight.detach()

    assert torch.equal(weights(TINY), weights(TINY))
    assert not torch.equal(weights(TINY), weights(replace(TINY, seed=1)))


def test_every_epoch_sees_every_image_once_in_another_order() -> None:
    trainer = Trainer(TINY, noise_images(), device=CPU)
    first = torch.cat(trainer._batches())
    trainer.epoch = 1
    second = torch.cat(trainer._batches())
    assert first.sort().values.tolist() == second.sort().values.tolist() == list(range(40))
    assert not torch.equal(first, second)


def test_a_last_batch_of_one_image_sits_out() -> None:
    assert Trainer(TINY, noise_images(33), device=CPU).steps_per_epoch == 2
    assert Trainer(TINY, noise_images(34), device=CPU).steps_per_epoch == 3
    with pytest.raises(InputError, match="batch_size"):
        Trainer(replace(TINY, batch_size=1, latent_norm="batch"), noise_images(4), device=CPU)


def test_the_record_says_what_happened_in_the_epoch() -> None:
    trainer = Trainer(replace(TINY, model="vae"), noise_images(), device=CPU)
    first, second = trainer.run_epoch(), trainer.run_epoch()
    assert first is not None and second is not None
    assert (first.epoch, second.epoch, trainer.epoch) == (1, 2, 2)
    assert (first.learning_rate, second.learning_rate) == (1e-4, 1e-4)  # warmup, then epoch 1 of 3: past 0.33
    assert first.kl is not None and first.loss == pytest.approx(first.reconstruction + 0.01 * first.kl)
    assert first.images_per_second == pytest.approx(40 / first.seconds)
    assert trainer.train_seconds == pytest.approx(first.seconds + second.seconds)
    assert trainer.history == [first, second] and not trainer.finished
    trainer.run_epoch()
    assert trainer.finished
    with pytest.raises(ValueError, match="all 3 epochs"):
        trainer.run_epoch()


def test_the_epoch_loss_weighs_images_alike_whatever_their_batch() -> None:
    """At a learning rate of nearly nothing, batches of 16, 16 and 8 must average to the loss over all 40 images."""
    config = replace(TINY, warmup_learning_rate=1e-30, conv_norm=False)
    trainer = Trainer(config, noise_images(), device=CPU)
    expected = bce_on_test_images(trainer.model, noise_images(), CPU, "fp32")
    record = trainer.run_epoch()
    assert record is not None and record.loss == pytest.approx(expected, rel=1e-6)
    assert record.kl is None


def test_an_epoch_can_be_left_and_continued_without_changing_a_bit() -> None:
    whole, parts = (Trainer(replace(TINY, model="vae"), noise_images(), device=CPU) for _ in range(2))
    expected = whole.run_epoch()
    assert parts.run_epoch(leave_at(1)) is None and (parts.epoch, parts.step) == (0, 1)
    assert parts.run_epoch(leave_at(2)) is None and (parts.epoch, parts.step) == (0, 3)  # after the last step
    record = parts.run_epoch()
    assert expected is not None and record is not None and record.loss == expected.loss
    assert all(torch.equal(a, b) for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True))


def test_a_diverging_loss_names_its_epoch_and_step() -> None:
    config = replace(TINY, conv_norm=False, warmup_epochs=0, learning_rates=(1e30,), learning_rate_drops=())
    trainer = Trainer(config, noise_images(), device=CPU)
    with pytest.raises(NonFiniteLossError, match=r"epoch 1 of 3, step 2 of 3"):
        trainer.run_epoch()


def test_weights_that_the_last_step_ruined_are_no_result() -> None:
    """No loss is computed after it, so every loss of the history is finite."""
    config = replace(TINY, epochs=1, batch_size=40, warmup_epochs=0, learning_rates=(1e39,), learning_rate_drops=())
    trainer = Trainer(config, noise_images(), device=CPU)
    with pytest.raises(NonFiniteLossError, match=r"is not finite in epoch 1 of 1, after step 1 of 1"):
        trainer.run_epoch()
    assert not trainer.finished


def test_fp16_scaling_skips_a_step_that_overflows_and_counts_it() -> None:
    trainer = Trainer(replace(TINY, precision="fp16"), noise_images(), device=CPU)
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**40)
    record = trainer.run_epoch()
    assert record is not None and record.skipped_steps == 3
    assert trainer.scaler.get_scale() == 2.0**37
    trainer.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**4)
    record = trainer.run_epoch()
    assert record is not None and record.skipped_steps == 0


def test_images_of_another_size_or_type_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected uint8 \(N, 32, 32, 3\)"):
        Trainer(TINY, noise_images().float(), device=CPU)
    with pytest.raises(ValueError, match=r"expected uint8 \(N, 32, 32, 3\)"):
        Trainer(TINY, noise_images().permute(0, 3, 1, 2), device=CPU)


def test_bf16_and_fp32_agree_on_the_loss() -> None:
    records = [Trainer(replace(TINY, precision=p), noise_images(), device=CPU).run_epoch() for p in ("fp32", "bf16")]
    assert records[0] is not None and records[1] is not None
    assert records[0].loss == pytest.approx(records[1].loss, rel=2e-3)


@pytest.mark.slow
def test_a_compiled_trainer_learns_the_same(tmp_path: Path) -> None:
    plain, compiled = (Trainer(TINY, noise_images(), device=CPU, compile=c) for c in (False, True))
    a, b = plain.run_epoch(), compiled.run_epoch()
    assert a is not None and b is not None and a.loss == pytest.approx(b.loss, rel=1e-4)
    assert list(plain.model.state_dict()) == list(compiled.model.state_dict())
