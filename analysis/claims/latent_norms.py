"""Sections 2 and 4: normalised latents, and what batch normalisation makes of their distribution."""

from aesweep.analysis.claims.comparisons import (
    NetworkColumns,
    at_comparison_size,
    little_changed,
    lower_at_comparison_size,
    mean_noise,
    plain,
    varied,
    width_of,
)
from aesweep.analysis.claims.verdicts import OURS, Verdict, claim, left_open, lower, together
from aesweep.analysis.data.published import published_scores
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS
from aesweep.analysis.statistics import Sample
from aesweep.analysis.thresholds import NOMINAL_SPREAD

_BATCH = "batch latent norm"
_SPHERICAL = {
    "correlation_largest": "largest correlation eigenvalue",
    "correlation_condition": "condition number of the correlation",
}
"""Columns of `Results.trials`, 1 for a spherical Gaussian. BN gives each latent a variance of 1, so only correlations can keep its
latents from being spherical."""


@claim(
    "2",
    "in a deep, narrow-bottlenecked AE, with BN applied to the latent layer, the latent space’s true prior will "
    "approach a spherical Gaussian.",
)
def batch_normalisation_makes_latents_more_spherical(results: Results) -> Verdict:
    """At the comparison size, eigenvalues of the latents' correlation exceed a spherical Gaussian's less with BN than without."""
    networks = varied(results, _BATCH), plain("dae", width_of(results, _BATCH))
    found = []
    for name, words in _SPHERICAL.items():
        first, second = (_excess(results, name, network) for network in networks)
        where = f"{words} beyond a spherical Gaussian's"
        if not first.known and not second.known:
            found.append(left_open(f"{where}: {results.to_measure('--metrics correlation')}"))
        else:
            found.append(lower(where, ("DAE with BN", "plain DAE"), first, second))
    return together(found)


@claim(
    "4",
    "BN did have the affect of massively improving the generative performance when sampling from N(z; 0, I), "
    "beating the baseline VAE, but not the EAE.",
    threshold="massively",
)
def batch_normalisation_rescues_the_standard_normal(results: Results) -> Verdict:
    """At the comparison size, BN massively lowers the DAE's N(0, I) score: below the VAE's, not below the EAE's.

    The EAE counts only where its printed FID is comparable with our scores.
    """
    width = width_of(results, "batch latent norm")
    normed = at_comparison_size(results, "standard_normal", varied(results, "batch latent norm"))
    dae, vae = (at_comparison_size(results, "standard_normal", plain(model, width)) for model in ("dae", "vae"))
    found = [
        lower("N(0, I)", ("DAE with BN", "plain DAE"), normed, dae, results.thresholds.massively),
        lower("N(0, I)", ("DAE with BN", "VAE"), normed, vae),
    ]
    if results.beside_published:
        printed = published_scores("2").query("model == 'eae' and column == 'standard_normal'")
        value = printed.loc[printed["data"] == results.data, "value"].to_numpy(dtype=float)
        eae = Sample(value, NOMINAL_SPREAD * float(value.mean()))
        found.append(lower("N(0, I)", ("EAE", "DAE with BN"), eae, normed))
    return together(found)


@claim(
    OURS,
    "SN and LN do not rescue sampling from N(0, I) as BN does.",
)
def spectral_and_layer_normalisation_do_not_rescue_the_standard_normal(results: Results) -> Verdict:
    """At the comparison size, a DAE with SN or LN scores higher than the VAE under N(0, I)."""
    found = []
    for norm in ("spectral", "layer"):
        words = f"{norm} latent norm"
        vae, dae = ("VAE", plain("vae", width_of(results, words))), (f"DAE with {words}", varied(results, words))
        found.append(lower_at_comparison_size("N(0, I)", results, "standard_normal", vae, dae))
    return together(found)


@claim(
    "4",
    "When applying BN, SN and LN to the output of the encoder there was very little change in the performance of "
    "the DAE for MVG and GMM sampling",
    threshold="little",
)
def latent_normalisation_hardly_changes_mvg_and_gmm(results: Results) -> Verdict:
    """With BN, SN or LN a DAE's scores differ little at every latent size (MVG and GMM)."""
    networks = [f"{norm} latent norm" for norm in ("batch", "spectral", "layer")]
    return together(
        little_changed(
            words,
            results,
            prior,
            varied(results, words),
            plain("dae", width_of(results, words)),
            results.thresholds.little,
        )
        for words in networks
        for prior in PRIORS
    )


def _excess(results: Results, name: str, network: NetworkColumns) -> Sample:
    """A measure minus its mean over as many spherical Gaussian latents, one per seed, with the standard error of a single one."""
    rows = results.of(latent_size=results.comparison_size, **network).dropna(subset=[name, f"{name}_null"])
    errors = (rows[f"{name}_stderr"] ** 2 + rows[f"{name}_null_std"] ** 2) ** 0.5
    excess = rows[name] - rows[f"{name}_null"]
    return Sample(excess.to_numpy(dtype=float), noise=mean_noise(errors.to_numpy(dtype=float)))
