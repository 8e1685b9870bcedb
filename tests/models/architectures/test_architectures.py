"""What holds for every architecture: its shapes, its cost, its training; and what is particular to the residual network."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from aesweep.models.architectures.architecture import FIELDS, Architecture, counted_cost
from aesweep.models.architectures.registry import ARCHITECTURES
from aesweep.models.architectures.resnet import Block, encoder_blocks
from aesweep.models.architectures.resnet_modules import ResidualBlock
from aesweep.models.config import TrialConfig
from aesweep.models.cost import cpu_hours, flops_per_image, gpu_hours, parameter_counts
from aesweep.models.errors import InputError
from aesweep.models.idle_fields import without_idle_fields
from aesweep.models.networks.autoencoder import Autoencoder, build_autoencoder
from aesweep.models.plugins.plugin import PluginError
from aesweep.models.training.checkpoint import checkpoint_bytes, model_bytes, model_from_bytes, restore_checkpoint
from aesweep.models.training.step_graph import worth_recording
from aesweep.models.training.trainer import Trainer
from aesweep.sweep.tables.rows import config_row

CPU = torch.device("cpu")
TINY = TrialConfig(filters=2, latent_size=4, epochs=2, batch_size=8, precision="fp32")
NAMES = tuple(ARCHITECTURES.built_in)
RESNET = replace(TINY, architecture="resnet")
SHAPES = [
    replace(TINY, architecture=name, image_size=size, channels=channels)
    for name in NAMES
    for size in (32, 64)
    for channels in (1, 3)
]
FURTHER: list[dict[str, Any]] = [
    {"depth": (3, 3, 2, 1), "image_size": 64},
    {"filters": 128, "latent_size": 128, "model": "vae"},
    {"conv_norm": False, "latent_norm": "batch", "depth": (1, 2, 1, 3)},
    {"filters": 3, "latent_size": 5, "latent_norm": "layer", "channels": 1},
]
COSTS = [*SHAPES, *(replace(TINY, architecture=name, **others) for name in NAMES for others in FURTHER)]


def pictures(config: TrialConfig, n: int = 20) -> torch.Tensor:
    """Smooth random pictures uint8 (N, H, W, C): each is a few random colours in the corners, blended."""
    corners = torch.rand(n, config.channels, 2, 2, generator=torch.Generator().manual_seed(0))
    smooth = torch.nn.functional.interpolate(corners, size=config.image_size, mode="bilinear", align_corners=True)
    return (255 * smooth).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()


@pytest.mark.parametrize("config", SHAPES, ids=lambda config: config.name)
def test_images_of_both_sizes_and_of_one_channel_go_in_and_come_out(config: TrialConfig) -> None:
    model = build_autoencoder(config)
    x = torch.rand(3, config.channels, config.image_size, config.image_size)
    logits, encoded = model(x)
    assert logits.shape == x.shape and encoded.mean.shape == (3, 4)
    assert model.encoder.convolutions(x).flatten(1).shape[1] == config.network.features(config)


@pytest.mark.parametrize("config", COSTS, ids=lambda config: config.name)
def test_the_closed_forms_are_the_cost_of_the_network(config: TrialConfig) -> None:
    with FakeTensorMode():  # runs every operator on shapes alone
        model = Autoencoder(config).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(2, *config.image_shape[2:], *config.image_shape[:2]))
    counts = tuple(sum(p.numel() for p in part.parameters()) for part in (model.encoder, model.decoder))
    assert parameter_counts(config) == counts
    assert flops_per_image(config) == counter.get_total_flops() // 2
    assert counted_cost(config.network, config) == config.network.cost_of(config), "what a plug-in without forms gets"


@pytest.mark.parametrize("config", [SHAPES[0], RESNET], ids=lambda config: config.name)
def test_training_lowers_the_loss_and_a_stop_inside_an_epoch_changes_no_bit(config: TrialConfig) -> None:
    config = replace(config, epochs=3, warmup_epochs=0, learning_rates=(1e-2,), learning_rate_drops=())
    images = pictures(config)
    whole, half, resumed = (Trainer(config, images, device=CPU) for _ in range(3))
    while not whole.finished:
        whole.run_epoch()
    assert whole.history[-1].loss < whole.history[0].loss - 0.01
    half.run_epoch()
    assert half.run_epoch(lambda: half.step == 2) is None
    restore_checkpoint(resumed, checkpoint_bytes(half))
    while not resumed.finished:
        resumed.run_epoch()
    states = [trainer.model.state_dict() for trainer in (whole, resumed)]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())
    read = model_from_bytes(config, model_bytes(whole.model))
    x = images[:3].permute(0, 3, 1, 2).float() / 255
    assert torch.equal(read(x)[0], whole.model.eval()(x)[0])


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.usefixtures("deterministic_kernels")
@pytest.mark.parametrize("config", SHAPES, ids=lambda config: config.name)
def test_replayed_steps_give_the_bits_of_launched_ones(config: TrialConfig) -> None:
    images = pictures(config, 60).cuda()
    runs = [Trainer(config, images, device=torch.device("cuda"), replay=replay) for replay in (True, False)]
    for run in runs:
        while not run.finished:
            run.run_epoch()
    assert runs[0].replaying and not runs[1].replaying
    states = [run.model.state_dict() for run in runs]
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


@pytest.mark.parametrize("name", NAMES)
def test_a_field_that_an_architecture_does_not_read_makes_no_other_trial(name: str) -> None:
    other: dict[str, Any] = {
        "depth": (2, 1, 1, 1), "conv_norm": False, "bn_momentum": 0.5, "decoder_first_map": "4f",
        "decoder_first_activation": "relu", "decoder_depth": "mirrored",
    }  # fmt: skip
    assert other.keys() == set(FIELDS)
    plain = replace(TINY, architecture=name, depth=(1, 1, 2, 1))
    for field, value in other.items():
        changed = without_idle_fields(replace(plain, **{field: value}))
        assert (changed == plain) == (field not in ARCHITECTURES.get(name).reads), field
    kept = replace(plain, conv_norm=False, latent_norm="batch", bn_momentum=0.5)  # the latents' norm reads it
    assert without_idle_fields(kept) == kept


def test_the_paper_network_is_the_default_and_not_part_of_a_key() -> None:
    assert TrialConfig(architecture="conv", channels=3).key == TrialConfig().key
    names = {replace(TINY, architecture=name).name for name in NAMES}
    assert len(names) == 2 and any("-resnet-" in name for name in names)
    row = config_row(RESNET)
    assert (row["architecture"], row["channels"]) == ("resnet", 3)
    with pytest.raises(InputError, match=r"architecture: 'unet' .*\n.*Choose one of: conv, resnet"):
        TrialConfig(architecture="unet")
    with pytest.raises(InputError, match=r"channels: 2 .*\n.*1 or 3"):
        TrialConfig(channels=2)


def test_the_residual_network_is_of_comparable_size() -> None:
    for size in (32, 64):
        one, other = (replace(TINY, architecture=a, filters=128, latent_size=128, image_size=size) for a in NAMES)
        assert 0.7 < sum(parameter_counts(other)) / sum(parameter_counts(one)) < 1.25
        for cost in (flops_per_image, lambda c: gpu_hours(c, 50_000), lambda c: cpu_hours(c, 50_000)):
            assert 1 < cost(other) / cost(one) < 2
        assert worth_recording(other, torch.device("cuda"), "bf16", False)


def test_every_block_begins_as_its_shortcut_and_can_leave_it() -> None:
    block = ResidualBlock(Block(3, 3, 8, 8), RESNET)
    x = torch.randn(4, 3, 8, 8)
    assert torch.equal(block(x), x)
    block(x).square().mean().backward()
    assert block.gain.grad is not None and block.gain.grad != 0
    halving, doubling = ResidualBlock(Block(3, 3, 8, 4), RESNET), ResidualBlock(Block(3, 3, 8, 16), RESNET)
    assert torch.allclose(halving(x), torch.nn.functional.avg_pool2d(x, 2))
    assert torch.equal(doubling(x), x.repeat_interleave(2, 2).repeat_interleave(2, 3))


def test_a_feature_sees_the_pixels_that_its_kernels_reach_and_no_others() -> None:
    """Two 3x3 kernels per block, the first with the stride, after one on the image."""
    config = replace(RESNET, image_size=64, conv_norm=False)
    encoder = build_autoencoder(config).encoder.convolutions
    with torch.no_grad():
        for module in encoder.modules():
            if isinstance(module, ResidualBlock):
                module.gain.fill_(1.0)
            for parameter in module.parameters(recurse=False):
                parameter.abs_()  # nothing cancels, and no ReLU is closed
    x = torch.ones(1, 3, 64, 64, requires_grad=True)
    features = encoder(x)
    assert features.shape[2:] == (4, 4)
    features[0, :, 2, 1].sum().backward()
    assert x.grad is not None
    seen = (x.grad != 0).any(1)[0]
    first = last = 2
    for block in reversed(encoder_blocks(config)):
        first, last = first - 1, last + 1  # the second kernel
        stride = block.side_in // block.side_out
        first, last = stride * first - 1, stride * last + 1
    rows = seen.any(1).nonzero().flatten()
    assert (rows.min().item(), rows.max().item()) == (max(first - 1, 0), min(last + 1, 63))


@pytest.mark.parametrize("model", ["rae-sn", "rae-l2", "rae-gp", "eae"])
def test_objectives_that_change_the_network_or_look_into_it_work_with_every_architecture(model: str) -> None:
    trainer = Trainer(replace(RESNET, model=model, epochs=1), pictures(RESNET), device=CPU)
    record = trainer.run_epoch()
    assert record is not None and torch.tensor(record.loss).isfinite()


def test_an_architecture_that_reads_a_field_that_there_is_not_is_refused() -> None:
    with pytest.raises(PluginError, match=r"reads of the architecture mine: 'widht'.*\n.*depth, conv_norm"):
        Architecture(
            name="mine",
            version="1.0",
            meaning="mine",
            encoder="m:e",
            decoder="m:d",
            features=lambda _: 1,
            reads=("widht",),
        )
