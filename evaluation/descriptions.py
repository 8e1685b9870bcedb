"""Metrics of the trained model itself, one description each: the one place that registers them. Imports no torch.

A description names the module that measures it, whose function `measure` takes a `subject.Subject` and gives rows. Reading
`METRICS` loads none of them, so that specs and reports know every metric by name, meaning, rows and titles.
"""

from dataclasses import dataclass

SAMPLES_AND_REFERENCE = "samples and reference"
"""What a standard error counts that has two sets of images, drawn independently: samples of the model and real images."""
SIMULATED = "simulated data sets"
"""What the standard error of a null counts."""
KERNEL = ("kid_subsets", "kid_subset_size")
"""Settings that decide a kernel distance."""


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
    deciding: tuple[str, ...] = ()
    """Settings of the evaluation that decide it, other than those of the prior that samples are drawn from."""


@dataclass(frozen=True)
class Description:
    """What a metric is called, what it measures and gives, and where its code is."""

    name: str
    meaning: str
    rows: tuple[Row, ...]
    module: str
    """Under `aesweep.evaluation`."""
    needs_features: bool = False


def _distances(**titles: str) -> tuple[Row, ...]:
    """One row per distance and kind of samples, from the end of its name and of its title."""
    heads = {"fid": ("FID", ()), "fd": ("FD", ()), "kid": ("KID", KERNEL), "kd": ("KD", KERNEL)}
    return tuple(
        Row(f"{metric}_{kind}", f"{head} {title}", True, SAMPLES_AND_REFERENCE, deciding)
        for metric, (head, deciding) in heads.items()
        for kind, title in titles.items()
    )


def _bound(name: str, title: str, lower_is_better: bool) -> Row:
    return Row(name, title, lower_is_better, deciding=("iwae_samples",))


_VAE_ROWS = (
    Row("active_units", "Active units"),
    Row("kl", "KL (nats)"),
    Row("kl_unit_mean", "KL per unit"),
    *(Row(f"kl_unit_p{q}", f"KL per unit ({q} %)") for q in (10, 50, 90)),
    Row("aggregate_kl", "Aggregate KL", True),
    Row("aggregate_norm", "Aggregate |z|²/Z"),
    _bound("elbo", "ELBO (nats)", False),
    _bound("iwae", "IWAE (nats)", False),
    _bound("elbo_bits", "ELBO (bits/value)", True),
    _bound("iwae_bits", "IWAE (bits/value)", True),
)

MIXTURE_ROWS = (
    Row("mixture_loglikelihood", "Mixture log-likelihood", False, "latents"),
    *_distances(mixture="of mixtures"),
)
"""The rows of `mixtures`: one per number of components, so that a trial has several of each."""

_EIGENVALUES = {
    "correlation_largest": "Largest correlation eigenvalue",
    "correlation_condition": "Correlation condition number",
    "effective_rank": "Effective rank",
}
_NORMS = ("decoder_norm", "decoder_frobenius", "decoder_frobenius_scaled", "encoder_norm", "encoder_frobenius")
_NORM_TITLES = ("decoder ‖J‖", "decoder ‖J‖F", "decoder ‖JΣ½‖F", "encoder ‖J‖", "encoder ‖J‖F")

DESCRIPTIONS = (
    Description(
        "interpolation",
        "distances of images decoded halfway between two latents, of test images and of each prior",
        _distances(straight="(straight midpoints)", spherical="(spherical midpoints)"),
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
    Description(
        "memorisation",
        "how near samples are to training images, compared with test images: authenticity, nearest distances, a picture",
        (
            Row("authenticity", "Authenticity"),
            Row("nearest_ratio", "Nearest distance, samples / test", None, SAMPLES_AND_REFERENCE),
            Row("nearer_than_test", "Nearer to train than test images", None, SAMPLES_AND_REFERENCE),
        ),
        "diagnostics.memorisation",
        needs_features=True,
    ),
    Description(
        "vae_diagnostics",
        "active units, KL per unit, ELBO and IWAE, and the aggregate posterior of a VAE",
        _VAE_ROWS,
        "diagnostics.vae",
    ),
    Description(
        "correlation",
        "eigenvalues of the latents' correlation matrix, and the same of simulated spherical Gaussians",
        (
            *(Row(name, title, None, "latents") for name, title in _EIGENVALUES.items()),
            *(Row(f"{name}_null", f"{title} (spherical)", None, SIMULATED) for name, title in _EIGENVALUES.items()),
        ),
        "diagnostics.correlation",
    ),
    Description(
        "intrinsic_dimension",
        "intrinsic dimension of latents and of images, by two nearest neighbours",
        (Row("intrinsic_dimension", "Intrinsic dimension"),),
        "diagnostics.intrinsic_dimension",
    ),
    Description(
        "mixtures",
        "held-out log-likelihood and distances of samples of mixtures with `mixture_sizes` components",
        MIXTURE_ROWS,
        "diagnostics.mixtures",
        needs_features=True,
    ),
)
BY_NAME = {description.name: description for description in DESCRIPTIONS}
ROWS = {row.name: row for description in DESCRIPTIONS for row in description.rows}
"""Every row by the metric's name in the scores table."""
