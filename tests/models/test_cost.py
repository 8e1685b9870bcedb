"""The closed forms against the paper's readings, the built network and torch's own counter."""

from dataclasses import replace

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from aesweep.models.config import TrialConfig
from aesweep.models.cost import STEP_SECONDS, beta_eff, flops_per_image, gpu_hours, parameter_counts, training_flops
from aesweep.models.networks.autoencoder import Autoencoder

CIFAR10 = TrialConfig(dataset="cifar10")
CELEBA = TrialConfig(dataset="celeba", image_size=64, latent_size=64)

# (configuration, encoder, decoder): parameters of the default DAE
PARAMETERS = [
    (replace(CIFAR10, filters=32), 822_304, 2_772_547),
    (replace(CIFAR10, filters=64), 3_020_736, 6_855_811),
    (replace(CIFAR10, filters=128), 11_546_368, 18_954_499),
    (replace(CIFAR10, filters=256), 45_112_704, 33_649_155),
    (replace(CIFAR10, filters=64, depth=(2, 2, 2, 2)), 8_594_176, 8_167_683),
    (replace(CIFAR10, filters=64, depth=(3, 3, 3, 3)), 14_167_616, 9_479_555),
    (replace(CIFAR10, depth=(2, 2, 2, 2)), 33_834_368, 24_199_683),
    (replace(CIFAR10, depth=(3, 3, 2, 1), latent_size=96), 18_234_848, 23_151_875),
    (replace(CIFAR10, depth=(3, 3, 2, 1), latent_size=96, decoder_depth="mirrored"), 18_234_848, 17_906_691),
    (replace(CIFAR10, depth=(3, 3, 2, 1), latent_size=96, decoder_depth="in_order"), 18_234_848, 27_347_715),
    (replace(CELEBA, filters=32), 1_341_248, 2_143_235),
    (replace(CELEBA, filters=64), 4_832_832, 6_436_867),
    (replace(CELEBA, filters=128), 18_267_200, 21_475_331),
]
GFLOPS = [
    (replace(CIFAR10, filters=32), 0.158),
    (replace(CIFAR10, filters=64), 0.610),
    (replace(CIFAR10, filters=128), 2.395),
    (replace(CIFAR10, filters=256), 7.323),
    (replace(CELEBA, filters=32), 0.42),
    (replace(CELEBA, filters=64), 1.63),
    (replace(CELEBA, filters=128), 6.40),
]
FLOP_CONFIGS = [
    *(config for config, _ in GFLOPS),
    *(config for config, _, _ in PARAMETERS if len(set(config.depth)) > 1 or config.depth[0] > 1),
    replace(CIFAR10, model="vae"),
    replace(CELEBA, model="vae", latent_size=768),
    replace(CIFAR10, decoder_first_map="4f"),
    replace(CELEBA, filters=256, decoder_first_map="8f", depth=(1, 2, 3, 4)),
    replace(CIFAR10, filters=3, latent_size=5, decoder_first_map="1024", conv_norm=False),
    replace(CIFAR10, latent_norm="batch", freeze_latent=True),
]


@pytest.mark.parametrize(("config", "encoder", "decoder"), PARAMETERS, ids=lambda value: getattr(value, "name", None))
def test_parameters_are_those_of_the_papers_networks(config: TrialConfig, encoder: int, decoder: int) -> None:
    assert parameter_counts(config) == (encoder, decoder)
    with torch.device("meta"):  # shapes without memory
        model = Autoencoder(config)
    assert sum(p.numel() for p in model.encoder.parameters()) == encoder
    assert sum(p.numel() for p in model.decoder.parameters()) == decoder


def test_a_vae_has_a_second_head() -> None:
    assert parameter_counts(replace(CIFAR10, model="vae")) == (11_546_368 + 4096 * 128 + 128, 18_954_499)


@pytest.mark.parametrize(("config", "gflop"), GFLOPS, ids=lambda value: getattr(value, "name", None))
def test_operations_are_those_of_the_design(config: TrialConfig, gflop: float) -> None:
    digits = len(str(gflop).split(".")[1]) if gflop not in (6.40, 0.610) else {6.40: 2, 0.610: 3}[gflop]
    assert round(flops_per_image(config) / 1e9, digits) == gflop


@pytest.mark.parametrize("config", FLOP_CONFIGS, ids=lambda config: config.name)
def test_operations_equal_torchs_counter(config: TrialConfig) -> None:
    with FakeTensorMode():  # runs every operator on shapes alone
        model = Autoencoder(config).eval()
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(2, 3, config.image_size, config.image_size))
    assert counter.get_total_flops() == 2 * flops_per_image(config)


def test_training_costs_three_forward_passes_per_image_and_epoch() -> None:
    assert training_flops(CIFAR10, 50_000) == 3 * flops_per_image(CIFAR10) * 50_000 * 100
    wide = replace(CIFAR10, filters=1024)  # 36 % of 989 TFLOP/s
    assert gpu_hours(wide, 50_000) == pytest.approx(training_flops(wide, 50_000) / (0.36 * 989e12) / 3600, rel=0.02)


@pytest.mark.parametrize(("filters", "images_per_second"), [(16, 126_166), (32, 101_523), (64, 67_632), (128, 34_486)])
def test_narrow_networks_cost_what_they_were_measured_to(filters: int, images_per_second: float) -> None:
    """docs/benchmarks/training-cuda-nvidia-h200-2026-11-26.md."""
    trial = replace(CIFAR10, filters=filters)
    measured = 50_000 * trial.epochs / images_per_second / 3600
    assert gpu_hours(trial, 50_000) == pytest.approx(measured, rel=0.15)


def test_the_wider_of_two_narrow_networks_is_the_dearer_one() -> None:
    """A launch begins with the dearest trial; on a CPU the wider network takes longer, however narrow both are."""
    costs = [gpu_hours(TrialConfig(filters=filters, latent_size=2), 1500) for filters in (1, 2, 4, 8)]
    assert costs == sorted(costs) and len(set(costs)) == 4


def test_a_smaller_batch_costs_more_steps() -> None:
    narrow = replace(CIFAR10, filters=32)
    steps = 782 - 391  # an epoch of 50,048 images, in batches of 64 and of 128
    more = gpu_hours(replace(narrow, batch_size=64), 50_048) - gpu_hours(narrow, 50_048)
    assert more == pytest.approx(steps * narrow.epochs * STEP_SECONDS / 3600)
    last = gpu_hours(narrow, 129) - gpu_hours(narrow, 128)  # the last, smaller batch is a step
    assert last > narrow.epochs * STEP_SECONDS / 3600


def test_beta_eff_is_the_weight_between_summed_terms() -> None:
    assert beta_eff(CIFAR10) is None
    assert beta_eff(replace(CIFAR10, model="vae")) == pytest.approx(0.24)
    assert beta_eff(replace(CELEBA, model="vae")) == pytest.approx(0.01 * 3 * 64 * 64 / 64)
    assert beta_eff(replace(CIFAR10, model="vae", reduction="sum")) == 0.01
