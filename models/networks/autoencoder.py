"""The autoencoder of a trial: its architecture's encoder and decoder, and the latent layer between them.

What the objective needs, latent normalisation, noise and the frozen latent layer are read from the configuration here and nowhere
else: every variant is a value of a `TrialConfig` field, none is a class. The rest is the architecture's (`aesweep.models.architectures`).

Shapes: N images, C channels, H = W = image_size pixels, Z = latent_size.
    x_NCHW float in [0, 1] -> encode -> z_NZ float32 -> decode -> logits_NCHW (sigmoid gives the picture)
"""

from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn.utils.parametrizations import spectral_norm

from aesweep.models.architectures.conv_modules import BN_EPS
from aesweep.models.config import TrialConfig
from aesweep.models.identity import stream_seed
from aesweep.models.networks.latent_layer import latent_heads, latent_norm
from aesweep.models.plugins.plugin import function


class Encoded(NamedTuple):
    """What the encoder gives for N images, float32 (N, Z): mean and log variance of q(z|x), or a DAE's code and None."""

    mean: torch.Tensor
    log_variance: torch.Tensor | None


class Encoder(nn.Module):
    """The architecture's encoder, then the latent layer with its normalisation."""

    def __init__(self, config: TrialConfig) -> None:
        super().__init__()
        features = config.network.features(config)
        self.convolutions: Any = function(config.network.encoder)(config)  # the name that weights have in files
        self.mean = nn.Linear(features, config.latent_size)
        self.log_variance: nn.Linear | None = None
        if latent_heads(config) == 2:
            self.log_variance = nn.Linear(features, config.latent_size)
        self.norm = _latent_norm(config)

    def forward(self, x: torch.Tensor) -> Encoded:
        """Images (N, C, H, W) float in [0, 1] -> mean and log variance, each (N, Z) float32."""
        features = self.convolutions(x).flatten(1)
        # The latent layer stays in fp32 under autocast: priors are fitted on its output, exp(log_variance) needs it,
        # and it is well under 1 % of the network's cost.
        with torch.autocast(features.device.type, enabled=False):
            features = features.float()
            mean = self.norm(self.mean(features))
            return Encoded(mean, None if self.log_variance is None else self.log_variance(features))


class Autoencoder(nn.Module):
    """Encoder and decoder of one trial, as `config` says. `build_autoencoder` gives seeded initial weights."""

    def __init__(self, config: TrialConfig) -> None:
        super().__init__()
        self.config = config
        self.encoder = Encoder(config)
        self.decoder: Any = function(config.network.decoder)(config)
        self.apply(config.network.initialise or _initialise)
        if config.latent_norm == "spectral":  # after the initialisation: its first power iterations read the weight
            spectral_norm(self.encoder.mean, n_power_iterations=1)
        if config.freeze_latent:  # "the latent layer frozen at its random initialisation" (Section 3)
            self.encoder.mean.requires_grad_(False)
        if config.objective.build is not None:
            config.objective.build(self)

    def encode(self, x: torch.Tensor) -> Encoded:
        """Images (N, C, H, W) float in [0, 1] -> mean and log variance, each (N, Z) float32."""
        encoded: Encoded = self.encoder(x)
        return encoded

    def decode(self, z: torch.Tensor) -> torch.Tensor:
        """Latents (N, Z) float32 -> logits (N, C, H, W), in the autocast type where autocast is on."""
        logits: torch.Tensor = self.decoder(z)
        return logits

    def forward(self, x: torch.Tensor, generator: torch.Generator | None = None) -> tuple[torch.Tensor, Encoded]:
        """Images (N, C, H, W) in [0, 1] -> logits (N, C, H, W) and the encoding.

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
