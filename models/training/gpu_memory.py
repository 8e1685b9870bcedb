"""How much GPU memory a training takes at most, from its configuration, so that several can share a GPU safely.

The network runs once on shapes alone, which takes no memory, and what autograd would keep for the backward pass is counted.
"""

from functools import lru_cache

import torch
import torch.nn.functional as F

from aesweep.models.config import TrialConfig
from aesweep.models.networks.autoencoder import build_autoencoder

BYTES_PER_PARAMETER = 28
"""Weight, gradient, two moments of Adam in float32; a gradient of the recorded step; casts of weight and gradient."""
BYTES_PER_VALUE = 4
"""Size of an activation in fp32. In half precision it takes half as much, and its casts at most as much again."""
BACKWARD = 2
"""Activations that the forward pass keeps, and as many gradients of them."""
RECORDED = 2
"""A recorded step has memory of its own, next to that of the short last batch (step_graph.py)."""
WORKSPACE_BYTES = 2**30
"""For cuDNN, cuBLAS and what the allocator rounds up."""
COUNTED_IMAGES = 2  # batch normalisation needs more than one


def most_training_bytes(config: TrialConfig, image_bytes: int) -> int:
    """Upper bound on what a training allocates on a GPU; `image_bytes` are its resident images. The CUDA context is not included."""
    parameters, values = _parameters_and_kept_values(config)
    activations = values * BYTES_PER_VALUE * BACKWARD * RECORDED * config.batch_size * config.objective.step_factor
    return int(parameters * BYTES_PER_PARAMETER + activations) + image_bytes + WORKSPACE_BYTES


@lru_cache(maxsize=1024)
def _parameters_and_kept_values(config: TrialConfig) -> tuple[int, float]:
    """Parameters of the network, and values per image that are kept for the backward pass."""
    with torch.device("meta"):
        model = build_autoencoder(config).train()
        images = torch.empty(COUNTED_IMAGES, config.channels, config.image_size, config.image_size)
        own = {parameter.untyped_storage()._cdata for parameter in model.parameters()}
        kept: dict[int, torch.Tensor] = {}

        def keep(tensor: torch.Tensor) -> torch.Tensor:
            kept[tensor.untyped_storage()._cdata] = tensor
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            # Without the latent layer: it keeps next to nothing, and autocast knows no shapes alone.
            model.encoder.convolutions(images)
            logits = model.decode(torch.empty(COUNTED_IMAGES, config.latent_size))
            F.binary_cross_entropy_with_logits(logits, images)
    values = sum(tensor.untyped_storage().nbytes() for address, tensor in kept.items() if address not in own)
    return sum(p.numel() for p in model.parameters()), values / BYTES_PER_VALUE / COUNTED_IMAGES
