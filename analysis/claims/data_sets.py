"""Sections 4 and 5: what the paper says of CelebA against CIFAR-10, and of the best latent sizes of VAEs."""

import math

from aesweep.analysis.claims.comparisons import at_comparison_size, dae, plain, widths_with_both
from aesweep.analysis.claims.latent_sizes import best_size_is_large, better_at_best, smaller_best_size, stalls
from aesweep.analysis.claims.verdicts import (
    NO_SHARE,
    OURS,
    Finding,
    Verdict,
    below,
    change_words,
    claim,
    left_open,
    lower,
    together,
)
from aesweep.analysis.data.paper import CELEBA, CIFAR10, DATA_NAMES
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS, SOURCE_NAMES
from aesweep.analysis.statistics import contrast, logarithm


@claim(
    "4",
    "with large numbers of latent units, for 32 and 64 filters",
    CELEBA,
    threshold="large",
)
def vaes_are_best_with_large_numbers_of_latent_units_on_celeba(results: Results) -> Verdict:
    """At 32 and 64 filters, VAEs score lowest at a large number of latent units (MVG and GMM)."""
    return together(
        best_size_is_large(results, prior, plain("vae", width), results.thresholds.large)
        for width in (32, 64)
        for prior in PRIORS
    )


@claim(
    OURS,
    "VAEs are best at more latent units than DAEs of the same width, as in Table 3.",
)
def vaes_are_best_at_more_latent_units_than_daes(results: Results) -> Verdict:
    """For every width, the DAE is best at fewer latent units than the VAE (MVG and GMM)."""
    return together(
        smaller_best_size(
            f"{width} filters", results, prior, plain("vae", width), plain("dae", width), names=("VAE", "DAE")
        )
        for width in widths_with_both(results.plain)
        for prior in PRIORS
    )


@claim(
    "5",
    "The scaling and overall performance is better and more stable on CelebA.",
    CELEBA,
    threshold="little",
)
def scaling_and_performance_are_better_and_more_stable_on_celeba(results: Results) -> Verdict:
    """DAEs score lower on CelebA than on CIFAR-10, fall by a larger share with the width, and fall with every doubling of it.

    Scores at the comparison sizes, falls with every doubling at the best sizes. On CIFAR-10 a doubling, to 256 filters, lowers
    the score little or not at all. The scores of two data sets are on one scale only as far as their features are.
    """
    cifar10 = results.elsewhere.get(CIFAR10)
    if cifar10 is None:
        return together([left_open(f"no scores on {DATA_NAMES[CIFAR10]} under the same scoring")])
    pairs = ((32, 64), (64, 128))
    found = [_lower_than(results, cifar10, prior, width) for width in (32, 64, 128) for prior in PRIORS]
    found += [falls_by_a_larger_share(results, cifar10, prior, (32, 128)) for prior in PRIORS]
    found += [better_at_best(results, prior, dae(w), dae(n), "CelebA") for n, w in pairs for prior in PRIORS]
    little = results.thresholds.little
    found += [stalls(cifar10, prior, dae(128), dae(256), little, "CIFAR-10") for prior in PRIORS]
    return together(found)


def _lower_than(results: Results, other: Results, score: str, width: int) -> Finding:
    first, second = (at_comparison_size(one, score, plain("dae", width)) for one in (results, other))
    return lower(f"{width} filters, {SOURCE_NAMES[score]}", (results.title, other.title), first, second)


def falls_by_a_larger_share(results: Results, other: Results, score: str, widths: tuple[int, int]) -> Finding:
    """Whether the ratio of the scores of two widths is lower on one data set than on another."""
    where = f"change from {widths[0]} to {widths[1]} filters, {SOURCE_NAMES[score]}"
    said, terms = [], []
    for one, sign in ((results, 1.0), (other, -1.0)):
        narrow, wide = (at_comparison_size(one, score, plain("dae", width)) for width in widths)
        if not narrow.known or not wide.known:
            return left_open(f"{where}: no score on {one.title} of both widths")
        if min(narrow.values.min(), wide.values.min()) <= 0:
            return left_open(f"{where}: {NO_SHARE}")
        terms += [(sign, logarithm(wide)), (-sign, logarithm(narrow))]
        said.append(f"{wide.mean / narrow.mean - 1:+.1%} on {one.title}")
    found = contrast(*terms)
    ratio = f"log ratio {change_words(found)}" if not math.isnan(found.half_width) else "one seed"
    words = f"{where}: {', '.join(said)} ({ratio})"
    return below(words, found)
