"""Metrics of the trained model itself, one description each: the one place that registers them. Imports no torch.

A description names the module that measures it, whose function `measure` takes a `subject.Subject` and gives rows. Reading
`METRICS` loads none of them, so that specs and reports know every metric by name, meaning, rows and titles.
"""

from dataclasses import dataclass

SAMPLES_AND_REFERENCE = "samples and reference"
"""What a standard error counts that has two sets of images, drawn independently: samples of the model and real images."""


@dataclass(frozen=True)
class Row:
    """One metric of the scores table."""

    name: str
    title: str
    """Column head in the report."""
    lower_is_better: bool | None = None
    """None where neither end is good: of all decoders a constant one is the smoothest."""
    stderr_of: str = "images"
    """What its standard error counts."""


@dataclass(frozen=True)
class Description:
    """What a metric is called, what it measures and gives, and where its code is."""

    name: str
    meaning: str
    rows: tuple[Row, ...]
    module: str
    """Under `aesweep.evaluation`."""
    needs_features: bool = False


def _distances() -> tuple[Row, ...]:
    heads = {"fid": "FID", "fd": "FD", "kid": "KID", "kd": "KD"}
    ways = ("straight", "spherical")
    return tuple(
        Row(f"{m}_{way}", f"{head} ({way} midpoints)", True, SAMPLES_AND_REFERENCE)
        for m, head in heads.items()
        for way in ways
    )


_NORMS = ("decoder_norm", "decoder_frobenius", "decoder_frobenius_scaled", "encoder_norm", "encoder_frobenius")
_NORM_TITLES = ("decoder ‖J‖", "decoder ‖J‖F", "decoder ‖JΣ½‖F", "encoder ‖J‖", "encoder ‖J‖F")

DESCRIPTIONS = (
    Description(
        "interpolation",
        "distances of images decoded halfway between two latents, of test images and of each prior",
        _distances(),
        "smoothness.interpolation",
        needs_features=True,
    ),
    Description(
        "path_length",
        "perceptual path length between two latents, and how much longer that path is than straight",
        (Row("path_length", "Path length"), Row("path_stretch", "Path stretch", True)),
        "smoothness.path_length",
        needs_features=True,
    ),
    Description(
        "jacobian",
        "norms of the Jacobians of decoder and encoder at test images and samples",
        tuple(Row(name, title) for name, title in zip(_NORMS, _NORM_TITLES, strict=True)),
        "smoothness.jacobian",
    ),
    Description(
        "lipschitz",
        "local Lipschitz estimates of decoder and encoder at test images and samples",
        (Row("decoder_lipschitz", "decoder Lipschitz"), Row("encoder_lipschitz", "encoder Lipschitz")),
        "smoothness.lipschitz",
    ),
)
BY_NAME = {description.name: description for description in DESCRIPTIONS}
ROWS = {row.name: row for description in DESCRIPTIONS for row in description.rows}
"""Every row by the metric's name in the scores table."""
