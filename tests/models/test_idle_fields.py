"""Trials that train to the same weights are one trial."""

import itertools
from dataclasses import replace
from typing import Any

import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.idle_fields import without_idle_fields
from aesweep.models.objectives.registry import OBJECTIVES
from aesweep.models.training.trainer import Trainer

SMALL = TrialConfig(filters=2, latent_size=2, epochs=2, batch_size=8)


@pytest.mark.parametrize(
    ("beside", "idle"),
    [
        ({}, {"beta": 0.5}),
        ({"model": "rae"}, {"beta": 0.5}),
        ({"model": "sigma-vae"}, {"beta": 0.5}),
        ({"model": "sigma-vae"}, {"reconstruction": "mse"}),
        ({}, {"noise_position": "image"}),
        ({"warmup_epochs": 0}, {"warmup_learning_rate": 1e-2}),
        ({"conv_norm": False}, {"bn_momentum": 0.5}),
        ({"conv_norm": False, "latent_norm": "layer"}, {"bn_momentum": 0.5}),
        ({}, {"decoder_first_map": "8f"}),
        ({"filters": 128, "epochs": 1}, {"decoder_first_map": "1024"}),
        ({"depth": 2}, {"decoder_depth": "mirrored"}),
        ({"depth": (1, 2, 1, 2)}, {"decoder_depth": "in_order"}),
        ({"epochs": 1}, {"warmup_epochs": 3}),
        ({"epochs": 1}, {"learning_rates": (1e-2,), "learning_rate_drops": ()}),
        ({"dataset": "cifar10"}, {"resize": "lanczos"}),
    ],
)
def test_a_field_without_effect_makes_no_other_trial(beside: dict[str, Any], idle: dict[str, Any]) -> None:
    one, other = replace(SMALL, **beside), replace(SMALL, **beside, **idle)
    assert one.key != other.key
    assert without_idle_fields(other) == without_idle_fields(one)
    if one.filters < 128:  # minutes on a CPU
        assert _weights(one) == _weights(other)


@pytest.mark.parametrize(
    "active",
    [
        {"model": "vae", "beta": 0.5},
        {"reconstruction": "mse"},
        {"model": "rae", "parameters": {"penalty": 0.5}},
        {"model": "eae", "conv_norm": False, "bn_momentum": 0.5},
        {"noise_std": 0.1, "noise_position": "image"},
        {"warmup_learning_rate": 1e-2},
        {"bn_momentum": 0.5},
        {"conv_norm": False, "latent_norm": "batch", "bn_momentum": 0.5},
        {"decoder_first_map": "4f"},
        {"filters": 256, "decoder_first_map": "8f"},
        {"depth": (3, 3, 2, 1), "decoder_depth": "mirrored"},
        {"warmup_epochs": 2, "epochs": 3},
        {"learning_rates": (1e-2,), "learning_rate_drops": ()},
        {"dataset": "digits", "resize": "lanczos"},
        {"dataset": "cifar10", "image_size": 64, "resize": "lanczos"},
    ],
)
def test_a_field_with_an_effect_stays(active: dict[str, Any]) -> None:
    config = replace(SMALL, **active)
    assert without_idle_fields(config) == config


def test_what_is_left_has_no_idle_field() -> None:
    for model, norm, epochs in itertools.product(OBJECTIVES.built_in, (True, False), (1, 5)):
        config = replace(
            SMALL, model=model, conv_norm=norm, epochs=epochs, beta=0.3, bn_momentum=0.3, warmup_epochs=9, filters=256
        )
        once = without_idle_fields(config)
        assert without_idle_fields(once) == once


def _weights(config: TrialConfig) -> list[list[float]]:
    """All trained numbers of a short training on the same random pictures, running statistics included."""
    size = config.image_size
    pictures = torch.randint(0, 256, (16, size, size, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    trainer = Trainer(config, pictures, device=torch.device("cpu"))
    while not trainer.finished:
        trainer.run_epoch()
    return [tensor.flatten().tolist() for tensor in trainer.model.state_dict().values()]
