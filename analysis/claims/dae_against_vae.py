"""Section 4: DAEs against VAEs, at the comparison point, at their best latent sizes, and in training."""

import pandas as pd

from aesweep.analysis.claims.comparisons import lower_at_comparison_size, plain, plain_networks, widths_with_both
from aesweep.analysis.claims.latent_sizes import has_minimum, more_sensitive, winner_at_best
from aesweep.analysis.claims.verdicts import ONE_SEED, Verdict, claim, decided, left_open, together
from aesweep.analysis.data.paper import CELEBA, CIFAR10
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS, SOURCE_NAMES
from aesweep.analysis.statistics import p_of_higher_rate, p_of_rate

FREE = 512
"""Latent units up to which the paper trained VAEs without trouble."""


@claim(
    "4",
    "In both cases DAEs always outperform VAEs at the comparison points of 128 and 64 latent units for CIFAR-10 "
    "and CelebA respectively.",
)
def daes_always_outperform_vaes_at_the_comparison_point(results: Results) -> Verdict:
    """At the comparison size, DAEs score lower than VAEs of the same width (MVG and GMM)."""
    return together(
        lower_at_comparison_size(
            f"{width} filters, {results.comparison_size} units, {SOURCE_NAMES[prior]}",
            results,
            prior,
            ("DAE", plain("dae", width)),
            ("VAE", plain("vae", width)),
        )
        for width in widths_with_both(results.at_comparison_size())
        for prior in PRIORS
    )


@claim(
    "4",
    "On CIFAR-10, the DAE outperforms the VAE for 64 and 128 filters and the VAE achieves better FIDs for 32 and "
    "256 filters for MVG sampling and the DAE outperforms the VAE for 64, 128 and 256 filters with GMM sampling.",
    CIFAR10,
)
def at_the_best_size_daes_win_on_cifar10_but_for_mvg_at_32_and_256(results: Results) -> Verdict:
    """Each model at its best size, among the sizes that both have, has these winners."""
    winners = {("mvg", 32): "vae", ("mvg", 64): "dae", ("mvg", 128): "dae", ("mvg", 256): "vae"}
    winners |= {("gmm", 64): "dae", ("gmm", 128): "dae", ("gmm", 256): "dae"}
    return together(winner_at_best(results, prior, width, winner) for (prior, width), winner in winners.items())


@claim(
    "4",
    "On CelebA, VAEs are able to achieve better FIDs, with large numbers of latent units, for 32 and 64 filters "
    "but at 128 filters DAEs won out.",
    CELEBA,
)
def at_the_best_size_vaes_win_on_celeba_until_128_filters(results: Results) -> Verdict:
    """Each model at its best size, VAEs win at 32 and 64 filters, DAEs at 128 (MVG and GMM)."""
    winners = {32: "vae", 64: "vae", 128: "dae"}
    return together(winner_at_best(results, prior, w, winner) for w, winner in winners.items() for prior in PRIORS)


@claim(
    "4",
    "Both VAEs and DAEs have a minimum in the number of latent units",
)
def both_models_have_a_best_number_of_latent_units(results: Results) -> Verdict:
    """Every plain network scores lowest inside the sizes that were tried, at neither end (MVG and GMM)."""
    return together(has_minimum(results, prior, network) for network in plain_networks(results) for prior in PRIORS)


@claim(
    "4",
    "it was difficult to investigate the VAEs for more than 512 units as they began to become unstable during training",
    threshold="unstable",
)
def vaes_become_unstable_above_512_units(results: Results) -> Verdict:
    """More trainings of VAEs fail above 512 latent units than up to 512 (Fisher's exact test).

    A training fails that diverges (a loss that is no number), or that learns no more than the mean image.
    """
    rows = results.trained[results.trained["model"] == "vae"]
    large = rows["latent_size"] > FREE
    above, below = rows[large], rows[~large]
    if above.empty or below.empty:
        which = "above" if above.empty else "up to"
        return together([left_open(f"no training of a VAE {which} {FREE} units is recorded")])
    bad = (_unstable(above), _unstable(below))
    words = f"{bad[0]} of {len(above)} VAEs above {FREE} units diverged or learnt nothing, {bad[1]} of {len(below)} up to {FREE}"
    if above["seed"].nunique() < 2:
        return together([left_open(f"{words}, {ONE_SEED}")])
    stable, _ = p_of_rate(bad[0], len(above), results.thresholds.unstable)
    more = p_of_higher_rate((bad[0], len(above)), (bad[1], len(below)))
    return together([decided(words, more, stable, "not settled by this many trainings")])


@claim(
    "4",
    "DAE training was simple and robust at all latent space sizes.",
    threshold="unstable",
)
def dae_training_is_robust_at_all_latent_sizes(results: Results) -> Verdict:
    """Hardly any training of a DAE diverges or learns no more than the mean image (exact binomial test)."""
    rows = results.trained[results.trained["model"] == "dae"]
    if rows.empty:
        return together([left_open("no training of a DAE is recorded")])
    bad = _unstable(rows)
    words = f"{bad} of {len(rows)} DAEs diverged or learnt nothing"
    if rows["latent_size"].nunique() < 2:
        return together([left_open(f"{words}, all at one latent size")])
    if rows["seed"].nunique() < 2:
        return together([left_open(f"{words}, {ONE_SEED}")])
    robust, not_robust = p_of_rate(bad, len(rows), results.thresholds.unstable)
    return together(
        [
            decided(
                f"{words} (robust: at most {results.thresholds.unstable:.0%})",
                robust,
                not_robust,
                "too few trainings to tell",
            )
        ]
    )


@claim(
    "4",
    "The variation in DAE performance with the size of the latent space was much stronger",
    threshold="much",
)
def daes_are_more_sensitive_to_the_latent_size(results: Results) -> Verdict:
    """Scores vary much more with the latent size for DAEs than for VAEs of the same width (MVG and GMM)."""
    return together(
        more_sensitive(
            f"{w} filters", results, prior, ("DAE", plain("dae", w)), ("VAE", plain("vae", w)), results.thresholds.much
        )
        for w in widths_with_both(results.plain)
        for prior in PRIORS
    )


def _unstable(trained: pd.DataFrame) -> int:
    """How many of these trainings diverged or learnt no more than the mean image."""
    return int((trained["test_bce"].isna() | (trained["test_bce"] >= trained["mean_image_bce"])).sum())
