"""Section 5: the number of parameters, the bound on it, and larger networks."""

import math
from collections.abc import Callable, Hashable

import pandas as pd

from aesweep.analysis.claims.comparisons import widths_with_both
from aesweep.analysis.claims.latent_sizes import winner_at_best
from aesweep.analysis.claims.verdicts import SUPPORTED, Finding, Verdict, circular, claim, holds, left_open, together
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
    """The narrowest and the widest network have about as many parameters, at the latent size that fits best.

    The paper does not say at which size it counts.
    """
    fits = [
        _parameter_ranges(results, rows, size, results.thresholds.about)
        for size, rows in results.plain.groupby("latent_size")
    ]
    counted = [fit for fit in fits if fit]
    if not counted:
        narrow, wide = end_widths(results.data)
        return together([left_open(f"no latent size with recorded parameters of both {narrow} and {wide} filters")])
    return together(max(counted, key=lambda fit: sum(finding.outcome == SUPPORTED for finding in fit)))


@claim(
    "5",
    "our largest encoders and decoders are approaching the lower bound defined by Bubeck and Sellke [2021] for "
    "continuity",
    CIFAR10,
    CELEBA,
)
def the_largest_networks_approach_the_bound(results: Results) -> Verdict:
    """The largest encoder and decoder have fewer parameters than the bound, by at most an order of magnitude.

    The paper gives a range for the bound: it depends on the reduced dimension of the data, which the paper leaves open.
    """

    def judge(part: str, largest: float) -> Finding:
        words = f"largest {part} {largest:.2g} parameters, short of a bound from {largest:.2g} to {10 * largest:.2g}"
        return _within_bound(results, words, largest, 10 * largest)

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


def _parameter_ranges(results: Results, rows: pd.DataFrame, size: Hashable, about: float) -> list[Finding]:
    """Encoders and decoders of the paper's end widths at one latent size against the printed ranges; empty without."""
    paper, found = section_5(results.data), []
    ends = list(end_widths(results.data))
    for part in ("encoder", "decoder"):
        counts = rows.dropna(subset=f"parameters_{part}").groupby("filters")[f"parameters_{part}"].max()
        counts = counts.reindex(ends).dropna()
        if len(counts) < 2:
            return []
        least, most = paper[f"parameters_{part}_least"], paper[f"parameters_{part}_most"]
        fits = all(1 / about <= a / b <= about for a, b in ((counts.iloc[0], least), (counts.iloc[-1], most)))
        words = f"{part} {counts.iloc[0]:.2g} to {counts.iloc[-1]:.2g}, printed {least:.0e} to {most:.0e}"
        where = f"at {size:.0f} units, {counts.index[0]:.0f} to {counts.index[-1]:.0f} filters"
        found.append(holds(fits, f"{where}: {words}"))
    return found


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
