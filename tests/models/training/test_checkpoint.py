"""A trial that was interrupted must end with the very weights of one that was not."""

import io
import json
import struct
import time
from dataclasses import replace

import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.networks.reconstruction import reconstruct
from aesweep.models.training.checkpoint import checkpoint_bytes, model_bytes, model_from_bytes, restore_checkpoint
from aesweep.models.training.trainer import NonFiniteLossError, Trainer

CPU = torch.device("cpu")
TINY = TrialConfig(filters=2, latent_size=4, epochs=3, batch_size=16, precision="fp32")
VARIANTS = {
    "dae with noise": replace(TINY, noise_std=0.5),
    "dae with image noise": replace(TINY, noise_std=0.5, noise_position="image"),
    "vae": replace(TINY, model="vae"),
    "vae bf16": replace(TINY, model="vae", precision="bf16"),
    "vae fp16": replace(TINY, model="vae", precision="fp16"),
    "spectral": replace(TINY, latent_norm="spectral"),
    "frozen batch norm": replace(TINY, latent_norm="batch", freeze_latent=True),
}


def trainer(config: TrialConfig, device: torch.device = CPU) -> Trainer:
    images = torch.randint(0, 256, (40, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return Trainer(config, images.to(device), device=device)


def finish(run: Trainer) -> Trainer:
    while not run.finished:
        run.run_epoch()
    return run


def run_to(run: Trainer, epochs: int, steps: int) -> Trainer:
    """Train whole epochs, then `steps` more."""
    for _ in range(epochs):
        run.run_epoch()
    if steps:
        left = iter([False] * (steps - 1) + [True])
        assert run.run_epoch(lambda: next(left)) is None
    return run


def losses(run: Trainer) -> list[tuple[float, float | None]]:
    return [(record.loss, record.kl) for record in run.history]


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_a_resumed_run_equals_an_uninterrupted_one_bit_for_bit(config: TrialConfig) -> None:
    whole = finish(trainer(config))
    for epochs, steps in ((1, 0), (1, 2), (0, 1)):
        saved = checkpoint_bytes(run_to(trainer(config), epochs, steps))
        torch.manual_seed(1234)  # the global generator plays no part
        resumed = trainer(config)
        restore_checkpoint(resumed, saved)
        assert (resumed.epoch, resumed.step) == (epochs, steps)
        finish(resumed)
        assert losses(resumed) == losses(whole)
        for name, tensor in whole.model.state_dict().items():
            assert torch.equal(tensor, resumed.model.state_dict()[name]), (name, epochs, steps)
        moments = [run.optimizer.state_dict()["state"] for run in (whole, resumed)]
        assert all(torch.equal(moments[0][i][k], moments[1][i][k]) for i in moments[0] for k in moments[0][i])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.usefixtures("deterministic_kernels")
@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
@pytest.mark.parametrize("filters", [2, 32])
def test_on_a_gpu_a_resumed_run_equals_an_uninterrupted_one_with_deterministic_kernels(
    config: TrialConfig, filters: int
) -> None:
    """As `execution: {deterministic: true}` promises; without it cuDNN may choose other kernels for the second half."""
    config, gpu = replace(config, filters=filters), torch.device("cuda")
    whole = finish(trainer(config, gpu))
    saved = checkpoint_bytes(run_to(trainer(config, gpu), 1, 2))
    resumed = trainer(config, gpu)
    restore_checkpoint(resumed, saved)
    finish(resumed)
    assert losses(resumed) == losses(whole)
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


def test_time_adds_up_over_resumptions() -> None:
    first = run_to(trainer(TINY), 1, 1)
    resumed = trainer(TINY)
    restore_checkpoint(resumed, checkpoint_bytes(first))
    assert resumed.train_seconds == first.train_seconds > 0
    finish(resumed)
    assert resumed.train_seconds == pytest.approx(sum(record.seconds for record in resumed.history))


def test_seconds_before_a_checkpoint_inside_an_epoch_count_after_a_kill() -> None:
    run = trainer(TINY)
    saved: list[tuple[float, bytes]] = []

    def save() -> bool:
        saved.append((time.perf_counter(), checkpoint_bytes(run)))
        return False

    run.run_epoch(save)
    between = saved[-1][0] - saved[0][0]
    resumed = trainer(TINY)
    restore_checkpoint(resumed, saved[-1][1])
    assert between < resumed.train_seconds < run.train_seconds
    record = resumed.run_epoch()
    assert record is not None and record.images_per_second < 40 / between


def test_no_checkpoint_holds_a_training_that_is_lost() -> None:
    """A loss that is looked at now and then, and the weights of the step before, which no loss has shown yet."""
    diverging = replace(TINY, conv_norm=False, warmup_epochs=0, learning_rates=(1e30,), learning_rate_drops=())
    with pytest.raises(NonFiniteLossError, match=r"loss became .* step 2 of 3"):
        checkpoint_bytes(run_to(trainer(diverging), 0, 2))
    run = run_to(trainer(TINY), 0, 1)
    sound = checkpoint_bytes(run)
    run.model.decoder.last.weight.data[0, 0, 0, 0] = float("nan")
    with pytest.raises(NonFiniteLossError, match=r"decoder\.last\.weight .* epoch 1 of 3, after step 1 of 3"):
        checkpoint_bytes(run)
    restore_checkpoint(run, sound)
    finish(run)


def test_a_checkpoint_needs_no_unpickling_of_code() -> None:
    checkpoint = torch.load(io.BytesIO(checkpoint_bytes(run_to(trainer(TINY), 0, 1))), weights_only=True)
    assert checkpoint["key"] == TINY.key


def test_another_trials_checkpoint_is_refused() -> None:
    saved = checkpoint_bytes(trainer(TINY))
    with pytest.raises(ValueError, match="belongs to trial"):
        restore_checkpoint(trainer(replace(TINY, seed=1)), saved)


def test_a_damaged_checkpoint_is_refused() -> None:
    saved = checkpoint_bytes(run_to(trainer(TINY), 0, 2))
    other = io.BytesIO()
    torch.save([1, 2], other)
    for damaged in (b"", b"not a checkpoint", saved[: len(saved) // 2], other.getvalue()):
        with pytest.raises(ValueError, match="damaged"):
            restore_checkpoint(trainer(TINY), damaged)


def test_a_flipped_byte_is_found_or_harmless() -> None:
    run = run_to(trainer(TINY), 0, 2)
    saved = checkpoint_bytes(run)
    refused = 0
    for position in range(100, len(saved), len(saved) // 40):
        flipped = bytearray(saved)
        flipped[position] ^= 0xFF
        restored = trainer(TINY)
        try:
            restore_checkpoint(restored, bytes(flipped))
        except ValueError:
            refused += 1
        else:  # in the padding between two parts
            assert all(map(torch.equal, restored.model.state_dict().values(), run.model.state_dict().values()))
    assert refused > 20


def test_a_run_does_not_go_on_in_another_precision_or_on_other_data() -> None:
    auto = replace(TINY, precision="auto")
    run = trainer(auto)
    state = run.state_dict()
    with pytest.raises(ValueError, match="precision fp16"):
        run.load_state_dict({**state, "precision": "fp16"})
    with pytest.raises(ValueError, match="images 41"):
        run.load_state_dict({**state, "images": 41})


@pytest.mark.parametrize("config", VARIANTS.values(), ids=VARIANTS)
def test_saved_weights_give_the_same_pictures(config: TrialConfig) -> None:
    run = run_to(trainer(config), 1, 0)
    data = model_bytes(run.model)
    loaded = model_from_bytes(config, data)
    assert not loaded.training
    images = torch.randint(0, 256, (5, 32, 32, 3), dtype=torch.uint8)
    expected = reconstruct(run.model, images, CPU, "fp32")
    assert (reconstruct(loaded, images, CPU, "fp32") == expected).all()


def test_saved_weights_carry_their_configuration() -> None:
    data = model_bytes(build_autoencoder(TINY))
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    assert TrialConfig(**json.loads(header["__metadata__"]["config"])) == TINY


def test_damaged_or_other_weights_are_refused() -> None:
    data = model_bytes(build_autoencoder(TINY))
    with pytest.raises(ValueError, match="not the weights"):
        model_from_bytes(TINY, data[:-10])
    with pytest.raises(ValueError, match="not the weights"):
        model_from_bytes(replace(TINY, latent_size=5), data)
