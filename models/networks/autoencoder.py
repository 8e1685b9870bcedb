"""The paper's autoencoder (Section 3): every variant is a value of a `TrialConfig` field, none is a class.

What its objective needs, latent normalisation, noise, frozen latent layer, depth and width are read from the configuration here and
nowhere else. Layers and their order come from `architecture.py`.

The paper trained in TensorFlow 2.4, whose "same" padding PyTorch has for stride 1 alone. With an even kernel or a stride of two
it pads one pixel more on the right and below than on the left and above, and the transposed layer is defined as the gradient of
that convolution. PyTorch's usual `padding=2, output_padding=1` for a kernel of 5 has the right shape and parameter count, but
shifts the picture by a pixel.

Shapes: N images, C channels, H = W = image_size pixels, Z = latent_size; s stride.
    x_NCHW float in [0, 1] -> encode -> z_NZ float32 -> decode -> logits_NCHW (sigmoid gives the picture)
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from aesweep.models.config import TrialConfig
from aesweep.models.identity import stream_seed
from aesweep.models.networks.architecture import (
    FIRST_MAP_SIDE,
    Layer,
    decoder_layers,
    encoder_layers,
    features_size,
    first_map_channels,
    latent_heads,
    latent_norm,
)

BN_EPS = 1e-3  # Keras' BatchNormalization default in TensorFlow 2.4; PyTorch's is 1e-5


def same_padding(kernel_size: int, stride: int) -> tuple[int, int]:
    """Pixels before and after: k=5,s=2 and k=4,s=1 give (1, 2), k=4,s=2 gives (1, 1). The stride must divide the side.

    Source: https://www.tensorflow.org/api_docs/python/tf/nn#notes_on_padding_2
    """
    total = max(kernel_size - stride, 0)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """(N, C, H, W) -> (N, C', H/s, W/s), as TensorFlow's `Conv2D(padding="same")`; s must divide H and W."""

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size, stride=stride)
        before, after = same_padding(kernel_size, stride)
        if before == after:
            self.padding = (before, before)  # the kernel pads by itself: no copy of the input
        self.pads = (before, after, before, after) if before != after else None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N, C, H, W) -> (N, C', H/s, W/s)."""
        return super().forward(x if self.pads is None else F.pad(x, self.pads))


class SameConvTranspose2d(nn.ConvTranspose2d):
    """(N, C, H, W) -> (N, C', sH, sW), as TensorFlow's "same" `Conv2DTranspose`: the gradient of `SameConv2d`."""

    def __init__(self, channels_in: int, channels_out: int, kernel_size: int, stride: int) -> None:
        super().__init__(channels_in, channels_out, kernel_size, stride=stride, padding=(kernel_size - stride) // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:  # type: ignore[override]  # no output_size: it is always s times
        """(N, C, H, W) -> (N, C', sH, sW)."""
        height, width = x.shape[2] * self.stride[0], x.shape[3] * self.stride[1]
        return super().forward(x)[..., :height, :width]


class Encoded(NamedTuple):
    """What the encoder gives for N images, float32 (N, Z): mean and log variance of q(z|x), or a DAE's code and None."""

    mean: torch.Tensor
    log_variance: torch.Tensor | None


class Encoder(nn.Module):
    """Convolutions, then the latent layer with its normalisation."""

    def __init__(self, config: TrialConfig) -> None:
        super().__init__()
        self.convolutions = _convolutions(SameConv2d, encoder_layers(config), config)
        self.mean = nn.Linear(features_size(config), config.latent_size)
        self.log_variance: nn.Linear | None = None
        if latent_heads(config) == 2:
            self.log_variance = nn.Linear(features_size(config), config.latent_size)
        self.norm = _latent_norm(config)

    def forward(self, x: torch.Tensor) -> Encoded:
        """Images (N, 3, H, W) float in [0, 1] -> mean and log variance, each (N, Z) float32."""
        features = self.convolutions(x).flatten(1)
        # The latent layer stays in fp32 under autocast: priors are fitted on its output, exp(log_variance) needs it,
        # and it is well under 1 % of the network's cost.
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            mean = self.norm(self.mean(features))
            return Encoded(mean, None if self.log_variance is None else self.log_variance(features))


class Decoder(nn.Module):
    """A linear layer to an 8x8 map, then transposed convolutions up to the image."""

    def __init__(self, config: TrialConfig) -> None:
        super().__init__()
        channels = first_map_channels(config)
        self.first = nn.Linear(config.latent_size, channels * FIRST_MAP_SIDE**2)
        self.first_activation = nn.ReLU() if config.decoder_first_activation == "relu" else nn.Identity()
        self.unflatten = nn.Unflatten(1, (channels, FIRST_MAP_SIDE, FIRST_MAP_SIDE))
        *layers, last = decoder_layers(config)
        self.convolutions = _convolutions(SameConvTranspose2d, layers, config)
        self.last = SameConvTranspose2d(last.channels_in, last.channels_out, config.kernel_size, last.stride)

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """Latents (N, Z) float32 -> logits (N, 3, H, W)."""
        first_map = self.unflatten(self.first_activation(self.first(z)))
        logits: torch.Tensor = self.last(self.convolutions(first_map.contiguous(memory_format=torch.channels_last)))
        return logits


class Autoencoder(nn.Module):
    """Encoder and decoder of one trial, as `config` says. `build_autoencoder` gives seeded initial weights."""

    def __init__(self, config: TrialConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = Decoder(config)
        self.apply(_initialise)
        if config.latent_norm == "spectral":  # after the initialisation: its first power iterations read the weight
            spectral_norm(self.encoder.mean, n_power_iterations=1)
        if config.freeze_latent:  # "the latent layer frozen at its random initialisation" (Section 3)
            self.encoder.mean.requires_grad_(False)
        if config.objective.build is not None:
            config.objective.build(self)

    def encode(self, x: torch.Tensor) -> Encoded:
        """Images (N, 3, H, W) float in [0, 1] -> mean and log variance, each (N, Z) float32."""
        encoded: Encoded = self.encoder(x)
        return encoded

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Latents (N, Z) float32 -> logits (N, 3, H, W), in the autocast type where autocast is on."""
        logits: torch.Tensor = self.decoder(z)
        return logits

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> tuple[torch.Tensor, Encoded]:
        """Images (N, 3, H, W) in [0, 1] -> logits (N, 3, H, W) and the encoding.

        In training, noise is drawn from `generator`. In eval mode the mean is decoded (our reading: reconstructions of
        a VAE decode the mean).
        """
        config = self.config
        perturb = self.training and config.noise_std > 0
        if perturb and config.noise_position == "image":
            x = x + config.noise_std * _noise_like(x, generator)
        encoded = self.encode(x)
        z = encoded.mean
        if self.training and encoded.log_variance is not None:
            z = z + torch.exp(0.5 * encoded.log_variance) * _noise_like(z, generator)
        if perturb and config.noise_position == "decoder_input":  # Section 4: noise at the decoder's input
            z = z + config.noise_std * _noise_like(z, generator)
        return self.decode(z), encoded


def build_autoencoder(config: TrialConfig) -> Autoencoder:
    """The untrained network on the CPU: Glorot-uniform kernels, zero biases, decided by `config.seed` alone.

    The caller's random generators are left as they were.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(stream_seed("weights", config.seed))  # of the CPU alone
        model = Autoencoder(config)
    model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # missing in torch's stub
    return model


def _initialise(module: nn.Module) -> None:
    """Keras' defaults, which the paper does not change: `glorot_uniform` kernels and zero biases."""
    if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


def _convolutions(
    kind: type[SameConv2d | SameConvTranspose2d], layers: list[Layer], config: TrialConfig
) -> nn.Sequential:
    """Convolution, batch normalisation, ReLU of each layer. A convolution keeps its bias: the paper's counts have it."""
    blocks = []
    for layer in layers:
        block: list[nn.Module] = [kind(layer.channels_in, layer.channels_out, config.kernel_size, layer.stride)]
        if config.conv_norm:
            block.append(nn.BatchNorm2d(layer.channels_out, eps=BN_EPS, momentum=config.bn_momentum))
        blocks.append(nn.Sequential(*block, nn.ReLU(inplace=True)))
    return nn.Sequential(*blocks)


def _latent_norm(config: TrialConfig) -> nn.Module:
    match latent_norm(config):
        case "batch" | "batch_plain" as norm:
            scaled = norm == "batch"
            return nn.BatchNorm1d(config.latent_size, eps=BN_EPS, momentum=config.bn_momentum, affine=scaled)
        case "layer":
            return nn.LayerNorm(config.latent_size, eps=BN_EPS)
        case _:  # "spectral" normalises the weight of the latent layer itself, in `Autoencoder`
            return nn.Identity()


def _noise_like(tensor: torch.Tensor, generator: torch.Generator | None) -> torch.Tensor:
    return torch.randn(tensor.shape, generator=generator, device=tensor.device, dtype=tensor.dtype)
