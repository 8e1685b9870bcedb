"""What a plug-in may ask of the trial that it is part of. Imports no torch.

Descriptions are read before there is a trial, and a trial before torch is: so they know a trial by this protocol alone, and
`config.TrialConfig` fits it.
"""

from typing import Any, Protocol


class Trial(Protocol):
    """A `config.TrialConfig`, which says what each field means."""

    def __hash__(self) -> int:
        """A hash of all fields."""

    @property
    def dataset(self) -> str:
        """Name of the data set."""

    @property
    def image_size(self) -> int:
        """Pixels per side."""

    @property
    def channels(self) -> int:
        """3 for colour images, 1 for grey ones."""

    @property
    def resize(self) -> str:
        """Filter that brings images to their size."""

    @property
    def filters(self) -> int:
        """Filters of the first encoder stage."""

    @property
    def depth(self) -> tuple[int, ...]:
        """Layers per encoder stage, four numbers."""

    @property
    def latent_size(self) -> int:
        """Latent units."""

    @property
    def conv_norm(self) -> bool:
        """Whether there is batch normalisation in encoder and decoder."""

    @property
    def bn_momentum(self) -> float:
        """Weight of a new batch in the running statistics."""

    @property
    def decoder_first_map(self) -> str:
        """Channels of the first map of the decoder of `conv`."""

    @property
    def decoder_first_activation(self) -> str:
        """`none` or `relu`."""

    @property
    def decoder_depth(self) -> str:
        """How `depth` gives the layers of the decoder of `conv`."""

    @property
    def beta(self) -> float:
        """Weight of a VAE's KL term."""

    @property
    def reduction(self) -> str:
        """`mean` or `sum`."""

    def parameter(self, name: str) -> Any:
        """The value of a parameter of its model or architecture."""
