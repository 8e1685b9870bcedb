"""The bound on a training's GPU memory is above what autograd keeps, and not far above it."""

import pytest
import torch

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.training.gpu_memory import BACKWARD, RECORDED, WORKSPACE_BYTES, most_training_bytes
from aesweep.models.training.losses import Loss

TRIALS = [
    TrialConfig(filters=4, latent_size=8, batch_size=16),
    TrialConfig(filters=16, latent_size=8, batch_size=8, model="vae"),
    TrialConfig(filters=8, latent_size=8, batch_size=8, image_size=64, dataset="celeba"),
    TrialConfig(filters=8, latent_size=8, batch_size=8, architecture="resnet", depth=(2, 1, 1, 1)),
]


def kept_bytes(config: TrialConfig) -> int:
    """What autograd keeps of one real batch, in fp32, without the parameters."""
    model = build_autoencoder(config).train()
    own = {parameter.data_ptr() for parameter in model.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: torch.Tensor) -> torch.Tensor:
        kept[tensor.data_ptr()] = max(kept.get(tensor.data_ptr(), 0), tensor.untyped_storage().nbytes())
        return tensor

    images = torch.rand(config.batch_size, 3, config.image_size, config.image_size)
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        logits, encoded = model(images, torch.Generator())
        Loss(config)(logits, images, encoded, model.decoder).total.backward()
    return sum(size for address, size in kept.items() if address not in own)


@pytest.mark.parametrize("config", TRIALS, ids=lambda config: config.name)
def test_the_bound_covers_what_a_real_batch_keeps_twice_over_and_twice_again_for_a_recorded_step(
    config: TrialConfig,
) -> None:
    parameters = sum(parameter.numel() for parameter in build_autoencoder(config).parameters())
    activations = most_training_bytes(config, 0) - WORKSPACE_BYTES - 28 * parameters
    kept = kept_bytes(config)
    assert BACKWARD * RECORDED * kept == pytest.approx(activations, rel=0.1)


def test_images_count_and_a_larger_batch_needs_more() -> None:
    small, large = (TrialConfig(filters=8, latent_size=8, batch_size=size) for size in (64, 512))
    assert most_training_bytes(small, 10**9) - most_training_bytes(small, 0) == 10**9
    assert most_training_bytes(large, 0) > most_training_bytes(small, 0)
