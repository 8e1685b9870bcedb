"""The metrics, one description each: the one place that registers them. Imports no torch.

A metric of the trained model itself names the function that measures it, which takes a `subject.Subject` and gives rows.
Reading `METRICS` loads none of them, so that specs and reports know every metric by name, meaning, rows and titles.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from aesweep.models.plugins.plugin import BUILT_IN, Code, Plugin, PluginError
from aesweep.models.plugins.registry import Registry

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


@dataclass(frozen=True, kw_only=True)
class Metric(Plugin):
    """What an evaluation may measure, and the rows that it gives."""

    kind: ClassVar[str] = "metric"

    rows: tuple[Row, ...]
    """A plug-in's rows are called as it is, or begin so: `curvature` gives `curvature`, `curvature_mean`."""
    measure: Code | None = None
    """(`subject.Subject`) -> score rows. None for those of aesweep that other stages measure."""
    needs_features: bool = False
    images: Callable[[Any], int] | None = None
    """(`config.EvaluationConfig`) -> how many images it decodes or measures besides those of the distances; one that passes through the
    network several times counts as often. None: next to none. The hours that `plan` prints come from it.
    """

    def __post_init__(self) -> None:
        super().__post_init__()
        names = [row.name for row in self.rows]
        if self.use and (self.measure is None or not names):
            raise PluginError(f"metric {self.name}", names, "Give it `rows`, and a function `measure`.")
        for name in names:
            if self.use and name != self.name and not name.startswith(f"{self.name}_"):
                raise PluginError(f"rows of the metric {self.name}", name, f"Call it {self.name}_{name}.")


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


def _core(name: str, meaning: str, rows: tuple[Row, ...], needs_features: bool = True) -> Metric:
    """A metric that the stages measure themselves (measuring.py, sampling.py, score.py)."""
    return Metric(name=name, version=BUILT_IN, meaning=meaning, rows=rows, needs_features=needs_features)


def _of_model(
    name: str,
    meaning: str,
    rows: tuple[Row, ...],
    module: str,
    needs_features: bool = False,
    images: Callable[[Any], int] | None = None,
) -> Metric:
    """A metric of the trained model, measured by the function `measure` of a module."""
    code = f"aesweep.evaluation.{module}:measure"
    return Metric(
        name=name,
        version=BUILT_IN,
        meaning=meaning,
        rows=rows,
        measure=code,
        needs_features=needs_features,
        images=images,
    )


def _sources(evaluation: Any) -> int:
    """Samples of each prior, and reconstructions."""
    return len(evaluation.priors) + 1


_SHARES = tuple(
    Row(name, name.capitalize(), False, deciding=("prdc_neighbours",))
    for name in ("precision", "recall", "density", "coverage")
)
_ERRORS = (
    Row("bce", "BCE", True),
    Row("mse", "MSE", True),
    Row("psnr", "PSNR (dB)", False),
    Row("ssim", "SSIM", False),
)
CORE = (
    _core(
        "frechet",
        "distances of pictures by mean and covariance of their features: FID with Inception, else FD",
        tuple(Row(name, name.upper(), True, deciding=("bootstrap",)) for name in ("fid", "fd")),
    ),
    _core("gaussianity", "how Gaussian the latents are", (), needs_features=False),
    _core(
        "kid",
        "kernel distances of the same features, unbiased: KID with Inception, else KD",
        tuple(Row(name, name.upper(), True, deciding=KERNEL) for name in ("kid", "kd")),
    ),
    _core("prdc", "precision, recall, density and coverage of samples", _SHARES),
    _core(
        "frechet_infinity",
        "the Fréchet distance extrapolated to infinitely many samples",
        (Row("fid_infinity", "FID∞", True), Row("fd_infinity", "FD∞", True)),
    ),
    _core(
        "frechet_infinity_both",
        "the Fréchet distance extrapolated to infinitely many samples and real images",
        (Row("fid_infinity_both", "FID∞ (both sides)", True), Row("fd_infinity_both", "FD∞ (both sides)", True)),
    ),
    _core(
        "inception_score",
        "the Inception score of samples; needs the Inception network",
        (Row("inception_score", "Inception score", False, "parts of the samples"),),
    ),
    _core(
        "reconstruction_error", "cross-entropy, MSE, PSNR and SSIM of reconstructions", _ERRORS, needs_features=False
    ),
    _core(
        "heldout_likelihood",
        "log-likelihood of a tenth of the training latents under priors fitted on the rest",
        (
            Row("heldout_loglikelihood", "Held-out log-likelihood", False, "latents"),
            Row("train_loglikelihood", "Log-likelihood of the fit", False, "latents"),
        ),
        needs_features=False,
    ),
)
"""Metrics of images, features and latents."""

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

# Numbers of pairs, points, steps and probes are those of the modules that measure, which import torch; a test compares them.
DESCRIPTIONS = (
    _of_model(
        "interpolation",
        "distances of images decoded halfway between two latents, of test images and of each prior",
        _distances(straight="(straight midpoints)", spherical="(spherical midpoints)"),
        "smoothness.interpolation",
        needs_features=True,
        images=lambda e: _sources(e) * e.samples,
    ),
    _of_model(
        "path_length",
        "perceptual path length between two latents, and how much longer that path is than straight",
        (Row("path_length", "Path length"), Row("path_stretch", "Path stretch", True)),
        "smoothness.path_length",
        needs_features=True,
        images=lambda e: _sources(e) * 9 * min(200, e.samples),
    ),
    _of_model(
        "jacobian",
        "norms of the Jacobians of decoder and encoder at test images and samples",
        tuple(Row(name, title) for name, title in zip(_NORMS, _NORM_TITLES, strict=True)),
        "smoothness.jacobian",
        images=lambda e: _sources(e) * 64 * (3 * 30 + 2 * 2 * 16),
    ),
    _of_model(
        "lipschitz",
        "local Lipschitz estimates of decoder and encoder at test images and samples",
        (Row("decoder_lipschitz", "decoder Lipschitz"), Row("encoder_lipschitz", "encoder Lipschitz")),
        "smoothness.lipschitz",
        images=lambda e: _sources(e) * 64 * (3 * 30 + 18),
    ),
    _of_model(
        "memorisation",
        "how near samples are to training images, compared with test images: authenticity, nearest distances, a picture",
        (
            Row("authenticity", "Authenticity"),
            Row("nearest_ratio", "Nearest distance, samples / test", None, SAMPLES_AND_REFERENCE),
            Row("nearer_than_test", "Nearer to train than test images", None, SAMPLES_AND_REFERENCE),
        ),
        "diagnostics.memorisation",
        needs_features=True,
        images=lambda e: _sources(e) * min(2000, e.samples) + 2000,
    ),
    _of_model(
        "vae_diagnostics",
        "active units, KL per unit, ELBO and IWAE, and the aggregate posterior of a VAE",
        _VAE_ROWS,
        "diagnostics.vae",
        images=lambda e: 500 * e.iwae_samples,
    ),
    _of_model(
        "correlation",
        "eigenvalues of the latents' correlation matrix, and the same of simulated spherical Gaussians",
        (
            *(Row(name, title, None, "latents") for name, title in _EIGENVALUES.items()),
            *(Row(f"{name}_null", f"{title} (spherical)", None, SIMULATED) for name, title in _EIGENVALUES.items()),
        ),
        "diagnostics.correlation",
    ),
    _of_model(
        "intrinsic_dimension",
        "intrinsic dimension of latents and of images, by two nearest neighbours",
        (Row("intrinsic_dimension", "Intrinsic dimension"),),
        "diagnostics.intrinsic_dimension",
    ),
    _of_model(
        "mixtures",
        "held-out log-likelihood and distances of samples of mixtures with `mixture_sizes` components",
        MIXTURE_ROWS,
        "diagnostics.mixtures",
        needs_features=True,
        images=lambda e: e.samples * len(e.mixture_sizes),
    ),
)
"""Metrics of the trained model itself."""
METRICS = Registry(Metric, (*CORE, *DESCRIPTIONS))
ROWS = {row.name: row for metric in METRICS.built_in.values() for row in metric.rows}
"""Every row of aesweep's metrics by its name in the scores table."""


def metric_of_row(row: str, asked: Iterable[str]) -> str:
    """Which plug-in among the metrics `asked` for gave a row of this name, by the name alone; "" for none."""
    return max((name for name in asked if row == name or row.startswith(f"{name}_")), key=len, default="")
