"""What an architecture is: an encoder and a decoder that describe themselves, and what they cost. Imports no torch.

    images (N, C, H, W) -> encoder -> features (N, F) -> latent layer -> latents (N, Z) -> decoder -> logits (N, C, H, W)

The latent layer between the two is the same for all architectures (`networks/autoencoder.py`): objectives, normalisation, noise
and freezing act there.

`plan` must know the cost of hundreds of trials before anything is built. An architecture of aesweep has closed forms over the list
of layers that its networks are built from; tests hold them equal to the network and to `torch.utils.flop_counter`. One that gives
none is built without memory and counted.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from aesweep.models.plugins.plugin import Code, Plugin, PluginError, function
from aesweep.models.plugins.trial import Trial

if TYPE_CHECKING:
    from torch import nn

FIELDS = ("depth", "conv_norm", "bn_momentum", "decoder_first_map", "decoder_first_activation", "decoder_depth")
"""Fields of a trial that shape encoder and decoder, and that not every architecture has a use for."""
STAGES = 4
"""Section 3: four encoder layers, each doubling the number of filters; every architecture of aesweep has as many stages."""
FIRST_MAP_SIDE = 8
"""Pixels per side of the map that decoders start from, for both image sizes: the only side from which the two stages of the
paper's decoder reach 32 pixels. Section 3's "two layers" cannot reach 64 from it, so 64 pixels take a third stage."""


class Cost(NamedTuple):
    """What encoder and decoder cost, without the latent layer."""

    encoder_parameters: int
    """Trained or frozen; running statistics do not count."""
    decoder_parameters: int
    flops: int
    """Operations of one image's forward pass through both; a multiply-add is two."""


def stage_widths(trial: Trial) -> tuple[int, ...]:
    """Filters of the four encoder stages: f, 2f, 4f, 8f (Section 3, "doubling the number of filters each time")."""
    return tuple(trial.filters * 2**stage for stage in range(STAGES))


def decoder_stages(trial: Trial) -> int:
    """Stages that double the side of the first map up to the image's: two reach 32 pixels, three reach 64."""
    return (trial.image_size // FIRST_MAP_SIDE).bit_length() - 1


def nothing_idle(_: Trial) -> Collection[str]:
    """Every field that is read has an effect."""
    return ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Architecture(Plugin):
    """A network. Its name is the value of the trial's field `architecture`."""

    kind: ClassVar[str] = "architecture"

    source: str = ""
    """Where it was published."""
    encoder: Code
    """(trial) -> `torch.nn.Module`: images (N, C, H, W) float in [0, 1] -> F features of each, in any shape."""
    decoder: Code
    """(trial) -> `torch.nn.Module`: latents (N, Z) float32 -> logits (N, C, H, W)."""
    features: Callable[[Trial], int]
    """(trial) -> F."""
    cost: Callable[[Trial], Cost] | None = None
    """(trial) -> `Cost`, without building anything; None counts the network itself, which takes a moment and imports torch."""
    reads: tuple[str, ...] = ()
    """Those of `FIELDS` that it has a use for. The others are set to their defaults, and are no axis of a report."""
    idle: Callable[[Trial], Collection[str]] = nothing_idle
    """(trial) -> those of `reads` that have no effect, given the trial's other fields."""
    initialise: "Callable[[nn.Module], None] | None" = None
    """Given each module after all are built, submodules first; None for Glorot-uniform kernels and zero biases."""
    step_factor: float = 1.0
    """Seconds of a training step that do not depend on its width, against those of `conv`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if unknown := [name for name in self.reads if name not in FIELDS]:
            remedy = f"Choose from: {', '.join(FIELDS)}. Every other field is there for all architectures."
            raise PluginError(f"reads of the architecture {self.name}", unknown[0], remedy)

    def without_effect(self, trial: Trial) -> set[str]:
        """Those of `FIELDS` that change nothing in encoder and decoder."""
        return {*(name for name in FIELDS if name not in self.reads), *self.idle(trial)}

    def cost_of(self, trial: Trial) -> Cost:
        """What encoder and decoder of a trial cost."""
        return self.cost(trial) if self.cost is not None else counted_cost(self, trial)


@lru_cache(maxsize=1024)
def counted_cost(architecture: Architecture, trial: Trial) -> Cost:
    """The cost of the network that is built: on shapes alone, so that it takes no memory."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        encoder, decoder = (function(part)(trial).eval() for part in (architecture.encoder, architecture.decoder))
        encoder(torch.empty(1, trial.channels, trial.image_size, trial.image_size))
        decoder(torch.empty(1, trial.latent_size))
    of_encoder, of_decoder = (sum(p.numel() for p in part.parameters()) for part in (encoder, decoder))
    return Cost(of_encoder, of_decoder, counter.get_total_flops())
