"""Every sentence of the paper that numbers can check, as a function named after it.

A claim takes the `Results` of one data set under one way of scoring and returns a `Verdict`. The published numbers go
through the same functions (`published.published_tables`). Scores are compared within one data set and extractor only,
so the claims hold for any extractor; those that name a rival's printed value need FID.
"""

import math
from collections.abc import Callable, Hashable
from itertools import pairwise

import numpy as np
import pandas as pd

from analysis.comparisons import (
    PRIORS,
    NetworkColumns,
    at_comparison_size,
    better_at_best,
    deeper,
    falls_more,
    falls_with_width,
    has_minimum,
    little_changed,
    more_sensitive,
    near,
    not_gaussian,
    plain,
    smaller_best_size,
    varied,
    width_of,
    widths_with_both,
    winner_at_best,
    worse_on_average,
)
from analysis.gaussianity import GAUSSIAN_Z, MEASURES, SHAPES, looks_gaussian, shape_deviations
from analysis.optimum import optimum
from analysis.paper import NOISES, end_widths
from analysis.published import RIVALS, published_scores, section_5
from analysis.results import Results
from analysis.scores import SOURCE_NAMES
from analysis.uncertainty import Scores
from analysis.verdicts import SUPPORTED, Claim, Finding, Verdict, holds, lower, missing, together

MASSIVE = 2.0
"""Factor from which on an improvement is "massive"."""
MUCH_WIDER = 2.0
"""Standard deviation from which on a range is "much wider" than N(0, I)'s: a third of the latents then lies where N(0, I)
has a twentieth."""
ABOUT = 2.0
"""Factor that a number printed to one digit may be off."""
CIFAR10, CELEBA = "cifar10-32", "celeba-64"
CLAIMS: list[Claim] = []
"""In the order of the paper."""


def claim(section: str, sentence: str, *data: str) -> Callable[[Callable[[Results], Verdict]], Callable]:
    """Register a function as a claim on `data` (none: any data set)."""

    def register(judge: Callable[[Results], Verdict]) -> Callable[[Results], Verdict]:
        CLAIMS.append(Claim(judge.__name__, section, sentence, judge, data))
        return judge

    return register


# Section 2.2: hypotheses


@claim("2.2", "Encoders produce outputs that tend towards smooth Gaussians as they increase in complexity (width).")
def wider_encoders_give_more_gaussian_latents(results: Results) -> Verdict:
    """DAEs at the comparison size: both measures fall from the narrowest to the widest."""
    rows = results.at_comparison_size("dae")
    return together(falls_with_width(what, rows, values) for what, values in not_gaussian(rows))


@claim("2.2", "Encoders produce outputs that tend towards smooth Gaussians as they increase in depth.")
def deeper_encoders_give_more_gaussian_latents(results: Results) -> Verdict:
    """Each deeper DAE against depth 1 of its width, at the comparison size."""
    found = []
    for where, shallow, deep in deeper(results):
        first, second = (results.of(**network, latent_size=results.comparison_size) for network in (deep, shallow))
        for (what, a), (_, b) in zip(not_gaussian(first), not_gaussian(second), strict=True):
            names = (f"depth {deep['depth']}", "depth 1")
            found.append(lower(f"{where}, {what}", names, Scores(a.dropna().to_numpy()), Scores(b.dropna().to_numpy())))
    return together(found)


# Section 4: DAE against VAE


@claim("4", "DAEs always outperform VAEs at the comparison points of 128 and 64 latent units.")
def daes_always_outperform_vaes_at_the_comparison_point(results: Results) -> Verdict:
    """MVG and GMM, every width that has both."""
    return together(
        lower(
            f"{width} filters, {results.comparison_size} units, {SOURCE_NAMES[prior]}",
            ("DAE", "VAE"),
            at_comparison_size(results, prior, plain("dae", width)),
            at_comparison_size(results, prior, plain("vae", width)),
        )
        for width in widths_with_both(results.at_comparison_size())
        for prior in PRIORS
    )


@claim(
    "4",
    "The best results from RAE and EAE are marginally beaten by or marginally beat un-altered DAEs with MVG and GMM "
    "sampling.",
    CIFAR10,
    CELEBA,
)
def rivals_and_unaltered_daes_differ_marginally(results: Results) -> Verdict:
    """128 filters at the comparison size, against each printed value of Table 2."""
    if not results.beside_published:
        return together([missing("the rivals' values are FIDs")])
    printed = published_scores("2")
    printed = printed[(printed["data"] == results.data) & printed["model"].isin(["rae", "eae"])]
    return together(
        near(
            SOURCE_NAMES[str(row.column)],
            ("DAE", RIVALS[str(row.model)]),
            at_comparison_size(results, str(row.column), plain("dae", 128)),
            Scores(np.array([row.value], dtype=float)),
        )
        for row in printed[printed["column"].isin(PRIORS)].itertuples()
    )


@claim(
    "4",
    "At the optimum number of latent units on CIFAR-10, the DAE outperforms the VAE for 64 and 128 filters and the VAE "
    "achieves better FIDs for 32 and 256 filters for MVG sampling, and the DAE outperforms the VAE for 64, 128 and 256 "
    "filters with GMM sampling.",
    CIFAR10,
)
def at_the_best_size_daes_win_on_cifar10_but_for_mvg_at_32_and_256(results: Results) -> Verdict:
    """The lower of the two lowest means over latent sizes."""
    winners = {("mvg", 32): "vae", ("mvg", 64): "dae", ("mvg", 128): "dae", ("mvg", 256): "vae"}
    winners |= {("gmm", 64): "dae", ("gmm", 128): "dae", ("gmm", 256): "dae"}
    return together(winner_at_best(results, prior, width, winner) for (prior, width), winner in winners.items())


@claim(
    "4",
    "On CelebA, VAEs achieve better FIDs, with large numbers of latent units, for 32 and 64 filters but at 128 filters "
    "DAEs won out.",
    CELEBA,
)
def at_the_best_size_vaes_win_on_celeba_until_128_filters(results: Results) -> Verdict:
    """MVG and GMM."""
    winners = {32: "vae", 64: "vae", 128: "dae"}
    return together(winner_at_best(results, prior, w, winner) for w, winner in winners.items() for prior in PRIORS)


@claim("4", "Both VAEs and DAEs have a minimum in the number of latent units.")
def both_models_have_a_best_number_of_latent_units(results: Results) -> Verdict:
    """Every plain network, MVG and GMM."""
    networks = results.plain[["model", "filters"]].drop_duplicates().itertuples(index=False, name=None)
    return together(has_minimum(results, prior, plain(*network)) for network in networks for prior in PRIORS)


@claim("4", "VAEs began to become unstable during training for more than 512 units.")
def vaes_become_unstable_above_512_units(results: Results) -> Verdict:
    """Trainings that diverged (a loss that is no number), or that learnt no more than the mean image."""
    rows = results.trained[results.trained["model"] == "vae"]
    if (rows["latent_size"] <= 512).all():
        return together([missing("no training of a VAE above 512 units is recorded")])
    bad, all_ = results.unstable(rows[rows["latent_size"] > 512])
    return together([holds(bad > 0, f"{bad} of {all_} VAEs above 512 units diverged or learnt nothing")])


@claim("4", "DAE training was simple and robust at all latent space sizes.")
def dae_training_is_robust_at_all_latent_sizes(results: Results) -> Verdict:
    """No DAE diverged or learnt no more than the mean image."""
    rows = results.trained[results.trained["model"] == "dae"]
    if rows.empty:
        return together([missing("no training of a DAE is recorded")])
    bad, all_ = results.unstable(rows)
    return together([holds(bad == 0, f"{bad} of {all_} DAEs diverged or learnt nothing")])


@claim("4", "The variation in DAE performance with the size of the latent space was much stronger.")
def daes_are_more_sensitive_to_the_latent_size(results: Results) -> Verdict:
    """Than that of VAEs, each width that has both."""
    return together(
        more_sensitive(f"{w} filters", results, prior, ("DAE", plain("dae", w)), ("VAE", plain("vae", w)))
        for w in widths_with_both(results.plain)
        for prior in PRIORS
    )


# Section 4: frozen latents, depth, noise, normalisation


@claim("4", "There is very little difference in performance when the latent layer is frozen in training.")
def freezing_the_latent_layer_hardly_matters(results: Results) -> Verdict:
    """Each width and depth that was frozen, MVG and GMM."""
    frozen = results.of(network="frozen latent", model="dae")[["filters", "depth"]].drop_duplicates()
    return together(
        little_changed(
            f"{width:.0f} filters, depth {depth}",
            results,
            prior,
            plain("dae", width, depth, "frozen latent"),
            plain("dae", width, depth),
        )
        for width, depth in frozen.itertuples(index=False)
        for prior in PRIORS
    )


@claim("4", "With depth, the sensitivity to the number of latent units decreases significantly.")
def deeper_networks_are_less_sensitive_to_the_latent_size(results: Results) -> Verdict:
    """Each deeper DAE against depth 1 of its width."""
    return together(
        more_sensitive(where, results, prior, ("depth 1", shallow), (f"depth {deep['depth']}", deep))
        for where, shallow, deep in deeper(results)
        for prior in PRIORS
    )


@claim("4", "For a filter base of 64 there is a drop in the best FID score: the deeper networks do worse.", CIFAR10)
def at_64_filters_deeper_networks_do_worse_at_best(results: Results) -> Verdict:
    """Depths 2 and 3 against 1."""
    shallow = ("depth 1", plain("dae", 64))
    return together(
        better_at_best(results, prior, shallow, (f"depth {depth}", plain("dae", 64, depth)), "64 filters")
        for depth in ("2", "3")
        for prior in PRIORS
    )


@claim("4", "For a filter base of 128 the deeper networks achieve better FID scores.", CIFAR10)
def at_128_filters_deeper_networks_do_better_at_best(results: Results) -> Verdict:
    """[3,3,2,1], whose scores the paper prints, and depth 2 where it was trained, against depth 1."""
    depths = [d for d in ("2", "3-3-2-1") if d == "3-3-2-1" or len(results.of(**plain("dae", 128, d)))]
    shallow = ("depth 1", plain("dae", 128))
    return together(
        better_at_best(results, prior, (f"depth {depth}", plain("dae", 128, depth)), shallow, "128 filters")
        for depth in depths
        for prior in PRIORS
    )


@claim("4, 5", "With depth, the minimum lies at significantly fewer latent units.")
def deeper_networks_have_a_smaller_best_latent_size(results: Results) -> Verdict:
    """Each deeper DAE against depth 1 of its width."""
    return together(
        smaller_best_size(where, results, prior, shallow, deep)
        for where, shallow, deep in deeper(results)
        for prior in PRIORS
    )


@claim(
    "4",
    "The best score achieved on CIFAR-10 was on a DAE with 96 latent units, 128 filters and depths of [3,3,2,1].",
    CIFAR10,
)
def the_best_overall_has_128_filters_depths_3321_and_96_units(results: Results) -> Verdict:
    """Lowest MVG and lowest GMM score of all networks; the best size of that network is 96 within its uncertainty.

    At least depth 1 of the same width must be there to be beaten, and sizes from 96 down and up.
    """
    network = plain("dae", 128, "3-3-2-1")
    found = []
    for prior in PRIORS:
        best = optimum(results, prior, **network)
        if best is None:
            found.append(missing(f"no {SOURCE_NAMES[prior]} score of a DAE with 128 filters and depths [3,3,2,1]"))
            continue
        sizes = results.by_seed(prior, **network).index
        if results.of(**plain("dae", 128))[prior].isna().all() or not sizes.min() <= 96 <= sizes.max():
            lacks = "depth 1 of 128 filters, or sizes of depths [3,3,2,1] about 96 units"
            found.append(missing(f"no {SOURCE_NAMES[prior]} score of {lacks}"))
            continue
        means = results.trials.groupby([*network, "latent_size"])[prior].mean().dropna()
        model, width, depth, words, size = means.index[int(means.argmin())]
        is_network = (model, width, depth, words) == tuple(network.values())
        is_best = is_network and (best.size == 96 or best.low < 96 < best.high)
        name = ", ".join(filter(None, [f"{model.upper()} of {width:.0f} filters", f"depth {depth}", words]))
        found.append(holds(is_best, f"{SOURCE_NAMES[prior]}: lowest {means.min():.4g}, {name}, {size:.0f} units"))
    return together(found)


@claim("4", "Increasing noise levels degraded the performance, both in reconstruction error and in generation.")
def noise_degrades_reconstruction_and_generation(results: Results) -> Verdict:
    """Each level against the one below it."""
    levels = ["", *(f"noise {std}" for std in NOISES)]
    width = width_of(results, levels[1])
    return together(
        worse_on_average(
            f"{low or 'no noise'} to {high}",
            results,
            score,
            plain("dae", width, network=low),
            plain("dae", width, network=high),
        )
        for low, high in pairwise(levels)
        for score in ("reconstruction_test", *PRIORS)
    )


@claim("4", "Between standard deviations of 0.1 and 0.5 the DAE performance drops below that of the VAE baseline.")
def with_noise_between_01_and_05_the_dae_drops_below_the_vae(results: Results) -> Verdict:
    """At the comparison size: better than the VAE with 0.1, worse with 0.5."""
    found = []
    for prior in PRIORS:
        weak, strong = (at_comparison_size(results, prior, varied(results, f"noise {std}")) for std in ("0.1", "0.5"))
        vae = at_comparison_size(results, prior, plain("vae", width_of(results, "noise 0.1")))
        found.append(lower(SOURCE_NAMES[prior], ("DAE with noise 0.1", "VAE"), weak, vae))
        found.append(lower(SOURCE_NAMES[prior], ("VAE", "DAE with noise 0.5"), vae, strong))
    return together(found)


@claim(
    "4",
    "BN did have the effect of massively improving the generative performance when sampling from N(0, I), beating the "
    "baseline VAE, but not the EAE.",
)
def batch_normalisation_rescues_the_standard_normal(results: Results) -> Verdict:
    """At the comparison size; the EAE only where its printed FID may stand beside ours."""
    width = width_of(results, "batch latent norm")
    normed = at_comparison_size(results, "standard_normal", varied(results, "batch latent norm"))
    dae, vae = (at_comparison_size(results, "standard_normal", plain(model, width)) for model in ("dae", "vae"))
    found = [
        lower("N(0, I)", ("DAE with BN", f"1/{MASSIVE:g} of the plain DAE"), normed, dae.over(MASSIVE)),
        lower("N(0, I)", ("DAE with BN", "VAE"), normed, vae),
    ]
    if results.beside_published:
        printed = published_scores("2").query("model == 'eae' and column == 'standard_normal'")
        eae = Scores(printed.loc[printed["data"] == results.data, "value"].to_numpy())
        found.append(lower("N(0, I)", ("EAE", "DAE with BN"), eae, normed))
    return together(found)


@claim("4", "SN and LN do not rescue sampling from N(0, I) as BN does.")
def spectral_and_layer_normalisation_do_not_rescue_the_standard_normal(results: Results) -> Verdict:
    """Their N(0, I) samples stay worse than the VAE's, at the comparison size."""
    found = []
    for norm in ("spectral", "layer"):
        words = f"{norm} latent norm"
        vae = at_comparison_size(results, "standard_normal", plain("vae", width_of(results, words)))
        dae = at_comparison_size(results, "standard_normal", varied(results, words))
        found.append(lower("N(0, I)", ("VAE", f"DAE with {words}"), vae, dae))
    return together(found)


@claim("4", "When applying BN, SN and LN there was very little change in the performance for MVG and GMM sampling.")
def latent_normalisation_hardly_changes_mvg_and_gmm(results: Results) -> Verdict:
    """Each norm against the plain DAE."""
    networks = [f"{norm} latent norm" for norm in ("batch", "spectral", "layer")]
    return together(
        little_changed(words, results, prior, varied(results, words), plain("dae", width_of(results, words)))
        for words in networks
        for prior in PRIORS
    )


# Section 5


@claim("5", "DAEs show much stronger scaling performance than VAEs from 32 to 128 filters.")
def daes_scale_more_strongly_with_width(results: Results) -> Verdict:
    """Change of the score from the narrowest to the widest width (of up to 128 filters), at the comparison size."""
    widths = [width for width in widths_with_both(results.at_comparison_size()) if width <= 128]
    if len(widths) < 2:
        return together([missing("fewer than two widths with both models")])
    ends = (widths[0], widths[-1])
    where = f"change from {ends[0]} to {ends[1]} filters"
    return together(
        falls_more(f"{where}, {SOURCE_NAMES[prior]}", results, prior, ends, results.comparison_size, ("dae", "vae"))
        for prior in PRIORS
    )


@claim("5", "DAEs stall at 256 filters on CIFAR-10.", CIFAR10)
def daes_stall_at_256_filters(results: Results) -> Verdict:
    """At their best latent sizes 128 filters are better."""
    return together(better_at_best(results, prior, _dae(128), _dae(256)) for prior in PRIORS)


@claim(
    "5",
    "The 256-filter model has a much lower FID for reconstructed images from the training set, but higher FID scores for "
    "the test set images.",
    CIFAR10,
)
def daes_of_256_filters_overfit(results: Results) -> Verdict:
    """Against 128 filters at the comparison size."""
    (wide_name, wide), (narrow_name, narrow) = _dae(256), _dae(128)
    train, test = "reconstruction_train", "reconstruction_test"
    wide_train, wide_test = (at_comparison_size(results, score, wide) for score in (train, test))
    narrow_train, narrow_test = (at_comparison_size(results, score, narrow) for score in (train, test))
    return together(
        [
            lower("Train R", (wide_name, narrow_name), wide_train, narrow_train),
            lower("Test R", (narrow_name, wide_name), narrow_test, wide_test),
        ]
    )


@claim("5", "The scaling and overall performance is better and more stable on CelebA.", CELEBA)
def daes_improve_with_every_width_on_celeba(results: Results) -> Verdict:
    """At the best latent sizes each doubling of the width lowers the score."""
    return together(
        better_at_best(results, prior, _dae(wide), _dae(narrow))
        for narrow, wide in ((32, 64), (64, 128))
        for prior in PRIORS
    )


@claim("5", "All of the VAEs and DAEs have distributions in the latent space that are Gaussian.")
def all_latent_distributions_are_gaussian(results: Results) -> Verdict:
    """Every trial within `GAUSSIAN_Z` standard deviations of simulated Gaussian data, by each measure of the shape."""
    deviations = shape_deviations(results.trials)
    if deviations.isna().all(axis=None):
        return together([missing("not measured: aesweep evaluate STORE --metrics gaussianity")])
    verdicts = looks_gaussian(results.trials).dropna()
    words = f"{int((~verdicts).sum())} of {len(verdicts)} trials are not Gaussian by one measure or more"
    findings = [holds(bool(verdicts.all()), words) if len(verdicts) else missing("no trial has all measures")]
    for name in SHAPES:
        z = deviations[name].dropna()
        if z.empty:
            findings.append(missing(f"{MEASURES[name].title}: not measured"))
            continue
        values = results.trials.loc[z.index, name]
        span = f"{MEASURES[name].title} {values.min():.3f} to {values.max():.3f}"
        outside = int((z.abs() > GAUSSIAN_Z).sum())
        words = f"{span}; {outside} of {len(z)} trials beyond {GAUSSIAN_Z:g} standard deviations of Gaussian data"
        findings.append(holds(outside == 0, words))
    return together(findings)


@claim("5", "The DAEs do not have standard deviations of 1, their outputs have a much wider range.")
def dae_latents_spread_wider_than_the_standard_normal(results: Results) -> Verdict:
    """Standard deviation of the two stored dimensions, each width at the comparison size."""
    rows = results.at_comparison_size("dae").drop_duplicates("filters").set_index("key")
    spread = results.latents.of(rows.index).groupby("key")[["z_a", "z_b"]].std()
    found = []
    for key, (a, b) in zip(spread.index, spread.to_numpy(dtype=float), strict=True):
        words = f"{rows.loc[key, 'filters']:.0f} filters: standard deviations {a:.3g} and {b:.3g}"
        found.append(holds(min(a, b) >= MUCH_WIDER, words) if math.isfinite(a + b) else missing(words))
    return together(found)


@claim("5", "With increasing model width there is a reduction in the gap between scores of MVG and GMM sampling.")
def the_gap_between_mvg_and_gmm_shrinks_with_width(results: Results) -> Verdict:
    """DAEs at the comparison size: smaller at the widest than at the narrowest, and falling on the whole."""
    rows = results.at_comparison_size("dae")
    errors = (rows["mvg_stderr"] ** 2 + rows["gmm_stderr"] ** 2) ** 0.5
    return together([falls_with_width("MVG − GMM", rows, rows["mvg"] - rows["gmm"], errors)])


@claim("5", "The models have the encoder and decoder parameters that Section 5 gives.", CIFAR10, CELEBA)
def networks_have_the_parameters_of_section_5(results: Results) -> Verdict:
    """Narrowest and widest network within a factor of `ABOUT` of the printed ends, at the latent size that fits best.

    The paper does not say at which size it counts.
    """
    fits = [_parameter_ranges(results, rows, size) for size, rows in results.plain.groupby("latent_size")]
    counted = [fit for fit in fits if fit]
    if not counted:
        narrow, wide = end_widths(results.data)
        return together([missing(f"no latent size with recorded parameters of both {narrow} and {wide} filters")])
    return max(
        (together(fit) for fit in counted), key=lambda verdict: sum(f.outcome == SUPPORTED for f in verdict.findings)
    )


@claim("5", "Our largest encoders and decoders are approaching the lower bound for continuity.", CIFAR10, CELEBA)
def the_largest_networks_approach_the_bound(results: Results) -> Verdict:
    """The largest encoder and decoder lie in the range of parameters that Section 5 requires."""
    paper = section_5(results.data)
    least, most = paper["parameters_required_least"], paper["parameters_required_most"]
    if not _has_widest(results):
        return together([_no_widest(results)])
    return together(
        holds(least <= largest <= most, f"largest {part} {largest:.2g} parameters, required {least:.0e} to {most:.0e}")
        for part, largest in _largest(results)
    )


@claim("5", "Models an order of magnitude larger would begin to clear this bound.", CIFAR10, CELEBA)
def ten_times_larger_networks_would_clear_the_bound(results: Results) -> Verdict:
    """The upper end of the required range: n·d without a reduced dimension lies above it still."""
    most = section_5(results.data)["parameters_required_most"]
    if not _has_widest(results):
        return together([_no_widest(results)])
    return together(
        holds(10 * largest >= most, f"ten times the largest {part}: {10 * largest:.2g}, required {most:.0e}")
        for part, largest in _largest(results)
    )


@claim("5", "Larger DAEs outperform VAEs for MVG and GMM sampling.")
def the_widest_daes_outperform_vaes(results: Results) -> Verdict:
    """The widest width with both models, at their best latent sizes."""
    widths = widths_with_both(results.plain)
    if len(widths) < 2:
        return together([missing("fewer than two widths with both models: none is the larger")])
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
        found.append(
            holds(fits, f"at {size:.0f} units, {counts.index[0]:.0f} to {counts.index[-1]:.0f} filters: {words}")
        )
    return found


def _has_widest(results: Results) -> bool:
    """Whether the paper's largest networks are there: what it says of them says nothing of smaller ones."""
    return bool((results.trials["filters"] == end_widths(results.data)[1]).any())


def _no_widest(results: Results) -> Finding:
    return missing(f"no network of {end_widths(results.data)[1]} filters, the paper's widest")


def _largest(results: Results) -> list[tuple[str, float]]:
    """Parameters of the largest encoder and decoder of the paper's widths; the printed ones where none are recorded."""
    found = []
    rows = results.trials[results.trials["filters"] <= end_widths(results.data)[1]]
    for part in ("encoder", "decoder"):
        largest = float(rows[f"parameters_{part}"].max())
        largest = section_5(results.data)[f"parameters_{part}_most"] if math.isnan(largest) else largest
        found.append((part, largest))
    return found
