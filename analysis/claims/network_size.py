"""Section 5: the number of parameters, the bound on it, and larger networks."""

import math
from collections.abc import Callable

from aesweep.analysis.claims.comparisons import widths_with_both
from aesweep.analysis.claims.latent_sizes import winner_at_best
from aesweep.analysis.claims.verdicts import Finding, Verdict, circular, claim, holds, left_open, together
from aesweep.analysis.data.paper import CELEBA, CIFAR10, end_widths
from aesweep.analysis.data.published import section_5
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import PRIORS


@claim(
    "5",
    "The models we have trained have encoders with 10⁶ - 5 × 10⁷ and 5 × 10⁶ - 3 × 10⁷ parameters and decoders "
    "with 3 × 10⁶ - 3 × 10⁷ and 10⁷ - 8 × 10⁷ parameters for CIFAR-10 and CelebA respectively.",
    CIFAR10,
    CELEBA,
    threshold="about",
)
def networks_have_the_parameters_of_section_5(results: Results) -> Verdict:
    """At the comparison size, the narrowest and the widest network have about as many parameters as the paper prints.

    The paper does not say at which latent size it counts. The largest layers grow with that size, so some size always fits best:
    the size must not be chosen by its fit.
    """
    about = results.thresholds.about
    return together(_parameter_range(results, part, about) for part in ("encoder", "decoder"))


@claim(
    "5",
    "our largest encoders and decoders are approaching the lower bound defined by Bubeck and Sellke [2021] for "
    "continuity",
    CIFAR10,
    CELEBA,
    threshold="approaching",
)
def the_largest_networks_approach_the_bound(results: Results) -> Verdict:
    """The largest encoder and decoder have fewer parameters than the bound, by at most a factor of 10.

    The paper gives a range for the bound: it depends on the reduced dimension of the data, which the paper leaves open.
    """

    def judge(part: str, largest: float) -> Finding:
        most = results.thresholds.approaching * largest
        words = f"largest {part} {largest:.2g} parameters, short of a bound from {largest:.2g} to {most:.2g}"
        return _within_bound(results, words, largest, most)

    return _judge_largest(results, judge)


@claim(
    "5",
    "models an order or magnitude larger would begin to clear this bound.",
    CIFAR10,
    CELEBA,
)
def ten_times_larger_networks_would_clear_the_bound(results: Results) -> Verdict:
    """Ten times the parameters of the largest encoder and decoder reach the bound, at the lower and the upper end of its range."""

    def judge(part: str, largest: float) -> Finding:
        return _within_bound(results, f"ten times the largest {part}: {10 * largest:.2g}", 0.0, 10 * largest)

    return _judge_largest(results, judge)


@claim(
    "5",
    "larger DAEs outperform VAEs for MVG and GMM sampling.",
)
def the_widest_daes_outperform_vaes(results: Results) -> Verdict:
    """At the widest width with both models and the best sizes, the DAE scores lower than the VAE (MVG and GMM)."""
    widths = widths_with_both(results.plain)
    if len(widths) < 2:
        return together([left_open("fewer than two widths with both models: none is the larger")])
    return together(winner_at_best(results, prior, widths[-1], "dae") for prior in PRIORS)


def _parameter_range(results: Results, part: str, about: float) -> Finding:
    """The parameters of encoders or decoders of the paper's end widths against the range that it prints."""
    paper, column, rows = section_5(results.data), f"parameters_{part}", results.at_comparison_size()
    narrow, wide = end_widths(results.data)
    least, most = (rows.loc[rows["filters"] == width, column] for width in (narrow, wide))
    where = f"at {results.comparison_size} units, {narrow} to {wide} filters, {part}"
    if least.isna().all() or most.isna().all():
        return left_open(f"{where}: not recorded for both widths")
    found = float(least.min()), float(most.max())
    printed = paper[f"{column}_least"], paper[f"{column}_most"]
    fits = all(1 / about <= a / b <= about for a, b in zip(found, printed, strict=True))
    return holds(fits, f"{where}: {found[0]:.2g} to {found[1]:.2g}, printed {printed[0]:.0e} to {printed[1]:.0e}")


def _within_bound(results: Results, words: str, above: float, most: float) -> Finding:
    """Whether the bound is more than `above` and at most `most`; open if that holds for a part of its range only."""
    paper = section_5(results.data)
    low, high = paper["parameters_required_least"], paper["parameters_required_most"]
    words = f"{words}; the bound is between {low:.0e} and {high:.0e}"
    so = [above < end <= most for end in (low, high)]
    if all(so) or high <= above or most < low:
        return holds(all(so), words)
    return left_open(f"{words}, depending on the reduced dimension of the data, so this is undecided")


def _judge_largest(results: Results, judge: Callable[[str, float], Finding]) -> Verdict:
    """Judge the parameters of the largest encoder and decoder of the paper's widths, or the printed ones where none are recorded.

    The paper speaks of its largest networks only, so without networks of that width the claim is open.
    """
    found, widest = [], end_widths(results.data)[1]
    if not (results.trials["filters"] == widest).any():
        return together([left_open(f"no network of {widest} filters, the paper's widest")])
    rows = results.trials[results.trials["filters"] <= widest]
    for part in ("encoder", "decoder"):
        largest = float(rows[f"parameters_{part}"].max())
        if math.isnan(largest):
            printed = section_5(results.data)[f"parameters_{part}_most"]
            found.append(circular(judge(part, printed).words))
        else:
            found.append(judge(part, largest))
    return together(found)
