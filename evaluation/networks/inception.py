"""The Inception network of 2015-12-05 up to its 2,048 pooled features, the layer that FID is defined on; three computations.

`reference` is torch-fidelity's port of the TensorFlow network as it stands: on the same weights and batches it gives
torch-fidelity's bits. `fast` takes the same layers with batch normalisation folded into the convolutions and images in
channels_last memory, `tensor-cores` those with each number as two float16 halves (`aesweep.evaluation.networks.tensor_cores`). Features of
either differ in the sixth or seventh digit. All resize as TensorFlow 1 did, which no other resize replaces: an antialiased
one moves a FID by up to 8 %.

`fast` wins on CPUs, `tensor-cores` on GPUs (docs/benchmarks/evaluation-*). TF32 in cuDNN is slower than these, and its features
are off by up to 5e-3 of their root mean square.

Shapes: N images of H x W pixels, 2048 features, 1008 classes.
"""

import io
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Computation = Literal["fast", "reference", "tensor-cores"]

INCEPTION_DIMENSION = 2048
INPUT_SIDE = 299
CENTRE, SCALE = 128.0, 128.0  # pixels 0 to 255 -> -1 to 1, nearly

LAYERS = (
    "Conv2d_1a_3x3 Conv2d_2a_3x3 Conv2d_2b_3x3 MaxPool_1 Conv2d_3b_1x1 Conv2d_4a_3x3 MaxPool_2 Mixed_5b Mixed_5c Mixed_5d "
    "Mixed_6a Mixed_6b Mixed_6c Mixed_6d Mixed_6e Mixed_7a Mixed_7b Mixed_7c AvgPool"
).split()


class Inception(nn.Module):
    """uint8 images (N, 3, H, W) -> float32 features (N, 2048)."""

    fc: nn.Linear

    def logits(self, features: torch.Tensor) -> torch.Tensor:
        """float32 (N, 2048) -> (N, 1008), without the bias, as the published Inception scores have it."""
        return features.mm(self.fc.weight.T)


class ReferenceInception(Inception):
    """As torch-fidelity computes them."""

    def __init__(self, network: Any) -> None:
        """Take over `network`, which `torch_fidelity_network` gives."""
        super().__init__()
        self.inception, self.fc = network, network.fc

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (N, 3, H, W) -> float32 (N, 2048)."""
        features: torch.Tensor = self.inception(images.contiguous())[0]
        return features


class FastInception(Inception):
    """From folded layers in channels_last memory."""

    def __init__(self, network: Any) -> None:
        """Take over and change `network`, which `torch_fidelity_network` gives."""
        super().__init__()
        fold_batch_normalisation(network, lambda folded: nn.Sequential(folded.float(), nn.ReLU(inplace=True)))
        self.layers = layers_of(network).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
        self.fc = network.fc

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (N, 3, H, W) -> float32 (N, 2048)."""
        x = prepared(images).contiguous(memory_format=torch.channels_last)
        features: torch.Tensor = self.layers(x).flatten(1)
        return features


def layers_of(network: Any) -> nn.Sequential:
    """All layers up to the features (N, 2048, 1, 1), of `torch_fidelity_network`."""
    return nn.Sequential(*(getattr(network, name) for name in LAYERS))


def prepared(images: torch.Tensor) -> torch.Tensor:
    """uint8 (N, 3, H, W) -> float32 (N, 3, 299, 299), what the first layer sees."""
    return (resize_like_tensorflow1(images.float(), INPUT_SIDE) - CENTRE) / SCALE


def torch_fidelity_network(state_dict: dict[str, torch.Tensor]) -> Any:
    """torch-fidelity's network with these weights, in eval mode. Raises `RuntimeError` where they do not fit exactly."""
    from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3

    # Its constructor unpickles whatever file it is given. So it gets a buffer that we have just written from
    # tensors that were read with weights_only=True; it loads them strictly.
    buffer = io.BytesIO()
    torch.save(state_dict, buffer)
    buffer.seek(0)
    return FeatureExtractorInceptionV3(
        "inception-v3-compat", [str(INCEPTION_DIMENSION)], feature_extractor_weights_path=buffer
    )


def fold_batch_normalisation(network: nn.Module, block: Callable[[nn.Conv2d], nn.Module]) -> None:
    """Replace each convolution, normalisation and ReLU, in place, by `block` of the one convolution that the first two make.

    That is folded in float64, and given so.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            convolution, normalisation = getattr(child, "conv", None), getattr(child, "bn", None)
            if isinstance(convolution, nn.Conv2d) and isinstance(normalisation, nn.BatchNorm2d):
                setattr(parent, name, block(fuse_conv_bn_eval(convolution.double(), normalisation.double())))


def resize_like_tensorflow1(images: torch.Tensor, side: int) -> torch.Tensor:
    """float32 (N, C, H, W) -> (N, C, side, side), bilinear as in TensorFlow 1: pixels are sampled at their corners.

    The bits of torch-fidelity's `interpolate_bilinear_2d_like_tensorflow1x`, from a tenth of its work: the columns are
    interpolated once for each row of the image, not of the result.
    """
    low, high, step = _corners(images.shape[3], side, images.device)
    x = images[..., low] + (images[..., high] - images[..., low]) * step
    low, high, step = _corners(images.shape[2], side, images.device)
    upper, lower = x[:, :, low], x[:, :, high]
    return upper + (lower - upper) * step[:, None]


def _corners(size: int, side: int, device: torch.device) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """For each of `side` new pixels the two old ones it lies between, int64, and where between them, float32 in [0, 1)."""
    position = torch.arange(side, dtype=torch.float32, device=device) * torch.tensor(size / side, dtype=torch.float32)
    low = position.long()
    return low, (low + 1).clamp_max(size - 1), position - low.float()
