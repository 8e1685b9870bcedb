"""Section 5: width, Gaussian latents, and the bound on the number of parameters."""

import math
from collections.abc import Callable, Hashable

import pandas as pd

from aesweep.analysis.claims.comparisons import (
    NetworkColumns,
    at_comparison_size,
    better_at_best,
    falls_more,
    falls_with_width,
    plain,
    widths_with_both,
    winner_at_best,
)
from aesweep.analysis.claims.verdicts import (
    ONE_SEED,
    SUPPORTED,
    Finding,
    Verdict,
    circular,
    claim,
    decided,
    holds,
    left_open,
    lower,
    together,
    unsettled,
)
from aesweep.analysis.data.gaussianity import GAUSSIAN_Z, MEASURES, SHAPES, looks_gaussian, shape_deviations
from aesweep.analysis.data.paper import CELEBA, CIFAR10, end_widths
from aesweep.analysis.data.published import section_5
from aesweep.analysis.data.results import NETWORK, Results
from aesweep.analysis.data.scores import PRIORS, SOURCE_NAMES
from aesweep.analysis.statistics import Sample, contrast
from aesweep.analysis.text.text_tables import format_score
from aesweep.analysis.thresholds import ABOUT, MUCH, MUCH_WIDER, NOMINAL_SPREAD


@claim(
    "5",
    "DAEs show much stronger scaling performance than VAEs from 32 to 128 filters",
)
def daes_scale_more_strongly_with_width(results: Results) -> Verdict:
    """From the narrowest width to the widest of up to 128 filters, DAEs' scores at the comparison size fall much more than VAEs'."""
    widths = [width for width in widths_with_both(results.at_comparison_size()) if width <= 128]
    if len(widths) < 2:
        return together([left_open("fewer than two widths with both models")])
    ends = (widths[0], widths[-1])
    where = f"change from {ends[0]} to {ends[1]} filters"
    return together(
        falls_more(
            f"{where}, {SOURCE_NAMES[prior]}", results, prior, ends, results.comparison_size, ("dae", "vae"), MUCH
        )
        for prior in PRIORS
    )


@claim(
    "5",
    "but stall at 256 filters on CIFAR-10.",
    CIFAR10,
)
def daes_stall_at_256_filters(results: Results) -> Verdict:
    """At the best sizes, 128 filters score lower than 256 (MVG and GMM)."""
    return together(better_at_best(results, prior, _dae(128), _dae(256)) for prior in PRIORS)


@claim(
    "5",
    "this model having a much lower FID score for reconstructed images from the training set, but higher FID "
    "scores for the test set images.",
    CIFAR10,
)
def daes_of_256_filters_overfit(results: Results) -> Verdict:
    """At the comparison size, DAEs of 256 filters have a much lower Train R and a higher Test R than those of 128."""
    wide, narrow = _dae(256), _dae(128)
    both = (("reconstruction_train", wide, narrow, MUCH), ("reconstruction_test", narrow, wide, 1.0))
    return together(
        lower(
            SOURCE_NAMES[score],
            (a, b),
            at_comparison_size(results, score, first),
            at_comparison_size(results, score, second),
            factor,
        )
        for score, (a, first), (b, second), factor in both
    )


@claim(
    "5",
    "The scaling and overall performance is better and more stable on CelebA.",
    CELEBA,
)
def daes_improve_with_every_width_on_celeba(results: Results) -> Verdict:
    """At the best sizes each doubling of the width lowers the score (MVG and GMM)."""
    return together(
        better_at_best(results, prior, _dae(wide), _dae(narrow))
        for narrow, wide in ((32, 64), (64, 128))
        for prior in PRIORS
    )


@claim(
    "5",
    "All of the VAEs and DAEs trained in these experiments have distributions in the latent space that are Gaussian",
)
def all_latent_distributions_are_gaussian(results: Results) -> Verdict:
    """Every trial's latents are as close to a Gaussian as simulated ones, by each of three measures."""
    deviations = shape_deviations(results.trials)
    if deviations.isna().all(axis=None):
        return together([left_open("not measured: aesweep evaluate STORE --metrics gaussianity")])
    if results.trials.groupby([*NETWORK, "latent_size"])["seed"].nunique().max() < 2:
        outside = int((~looks_gaussian(results.trials).dropna()).sum())
        return together(
            [
                left_open(
                    f"{outside} of {len(results.trials)} trials are not Gaussian by one measure or more, {ONE_SEED}"
                )
            ]
        )
    verdicts = looks_gaussian(results.trials).dropna()
    words = f"{int((~verdicts).sum())} of {len(verdicts)} trials are not Gaussian by one measure or more"
    findings = [holds(bool(verdicts.all()), words) if len(verdicts) else left_open("no trial has all measures")]
    for name in SHAPES:
        z = deviations[name].dropna()
        if z.empty:
            findings.append(left_open(f"{MEASURES[name].title}: not measured"))
            continue
        values = results.trials.loc[z.index, name]
        span = f"{MEASURES[name].title} {values.min():.3f} to {values.max():.3f}"
        outside = int((z.abs() > GAUSSIAN_Z).sum())
        words = f"{span}; {outside} of {len(z)} trials beyond {GAUSSIAN_Z:g} standard deviations of Gaussian data"
        findings.append(holds(outside == 0, words))
    return together(findings)


@claim(
    "5",
    "the DAEs do not have means of 0 and standard deviations of 1, their outputs have a much wider range and vary "
    "across each latent dimension.",
)
def dae_latents_spread_wider_than_the_standard_normal(results: Results) -> Verdict:
    """At the comparison size, DAEs' latents have a much larger standard deviation than 1 (the smaller of two stored dimensions)."""
    rows = results.at_comparison_size("dae").set_index("key")
    spread = results.latents.of(rows.index).groupby("key")[["z_a", "z_b"]].std().min(axis=1, skipna=False)
    found = []
    for width, values in spread.groupby(rows["filters"].reindex(spread.index)):
        sample = Sample(values.to_numpy(dtype=float))
        where = f"{width:.0f} filters: standard deviation"
        if not sample.known:
            found.append(left_open(f"{where} not finite"))
            continue
        mean = contrast((1.0, sample))
        interval = "" if math.isnan(mean.half_width) else f" ± {format_score(mean.half_width)}, 95 %"
        words = f"{where} {format_score(sample.mean)}{interval} (much wider: {MUCH_WIDER:g})"
        found.append(decided(words, mean.p_above(MUCH_WIDER), mean.p_below(MUCH_WIDER), unsettled(mean)))
    return together(found)


@claim(
    "5",
    "With increasing model width there is a reduction in the gap between scores between MVG and GMM sampling",
)
def the_gap_between_mvg_and_gmm_shrinks_with_width(results: Results) -> Verdict:
    """At the comparison size, MVG minus GMM (paired) falls with the width of a DAE."""
    rows = results.at_comparison_size("dae")
    nominal = NOMINAL_SPREAD * float((rows["mvg"] ** 2 + rows["gmm"] ** 2).mean() ** 0.5)
    return together([falls_with_width("MVG − GMM", results, rows, rows["mvg"] - rows["gmm"], nominal)])


@claim(
    "5",
    "The models we have trained have encoders with 10⁶ - 5 × 10⁷ and 5 × 10⁶ - 3 × 10⁷ parameters and decoders "
    "with 3 × 10⁶ - 3 × 10⁷ and 10⁷ - 8 × 10⁷ parameters for CIFAR-10 and CelebA respectively.",
    CIFAR10,
    CELEBA,
)
def networks_have_the_parameters_of_section_5(results: Results) -> Verdict:
    """The narrowest and the widest network have about as many parameters, at the latent size that fits best.

    The paper does not say at which size it counts.
    """
    fits = [_parameter_ranges(results, rows, size) for size, rows in results.plain.groupby("latent_size")]
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
    """The largest encoder and decoder lie in the range of parameters that Section 5 requires."""
    paper = section_5(results.data)
    least, most = paper["parameters_required_least"], paper["parameters_required_most"]

    def judge(part: str, largest: float) -> Finding:
        words = f"largest {part} {largest:.2g} parameters, required {least:.0e} to {most:.0e}"
        return holds(least <= largest <= most, words)

    return _judge_largest(results, judge)


@claim(
    "5",
    "models an order or magnitude larger would begin to clear this bound.",
    CIFAR10,
    CELEBA,
)
def ten_times_larger_networks_would_clear_the_bound(results: Results) -> Verdict:
    """Ten times the parameters of the largest encoder and decoder reach the upper end of the required range.

    n·d without a reduced dimension lies above it still.
    """
    most = section_5(results.data)["parameters_required_most"]

    def judge(part: str, largest: float) -> Finding:
        return holds(10 * largest >= most, f"ten times the largest {part}: {10 * largest:.2g}, required {most:.0e}")

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


def _dae(width: int) -> tuple[str, NetworkColumns]:
    return f"{width} filters", plain("dae", width)


def _parameter_ranges(results: Results, rows: pd.DataFrame, size: Hashable) -> list[Finding]:
    """Encoders and decoders of the paper's end widths at one latent size against the printed ranges; empty without."""
    paper, found = section_5(results.data), []
    ends = list(end_widths(results.data))
    for part in ("encoder", "decoder"):
        counts = rows.dropna(subset=f"parameters_{part}").groupby("filters")[f"parameters_{part}"].max()
        counts = counts.reindex(ends).dropna()
        if len(counts) < 2:
            return []
        least, most = paper[f"parameters_{part}_least"], paper[f"parameters_{part}_most"]
        fits = all(1 / ABOUT <= a / b <= ABOUT for a, b in ((counts.iloc[0], least), (counts.iloc[-1], most)))
        words = f"{part} {counts.iloc[0]:.2g} to {counts.iloc[-1]:.2g}, printed {least:.0e} to {most:.0e}"
        where = f"at {size:.0f} units, {counts.index[0]:.0f} to {counts.index[-1]:.0f} filters"
        found.append(holds(fits, f"{where}: {words}"))
    return found


def _judge_largest(results: Results, judge: Callable[[str, float], Finding]) -> Verdict:
    """Judge the parameters of the largest encoder and decoder of the paper's widths; the printed ones without a record.

    What the paper says of its largest networks says nothing of smaller ones: without them it is left open.
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
