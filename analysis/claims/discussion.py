"""Section 5: width and Gaussian latents; `network_size.py` has the rest."""

import math

from aesweep.analysis.claims.comparisons import (
    at_comparison_size,
    dae,
    falls_more,
    falls_with_width,
    lower_at_comparison_size,
    plain,
    widths_with_both,
)
from aesweep.analysis.claims.latent_sizes import stalls
from aesweep.analysis.claims.verdicts import (
    ONE_SEED,
    Verdict,
    claim,
    decided,
    left_open,
    lower,
    together,
)
from aesweep.analysis.data.gaussianity import MEASURES, TESTED, judge_gaussianity
from aesweep.analysis.data.paper import CIFAR10
from aesweep.analysis.data.results import NETWORK, Results
from aesweep.analysis.data.scores import PRIORS, SOURCE_NAMES
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.text.text_tables import format_score
from aesweep.analysis.thresholds import NOMINAL_SPREAD


@claim(
    "5",
    "DAEs have the ability to outperform VAEs when we abandon the simple assumption about a VAE’s prior",
)
def daes_with_a_fitted_prior_outperform_vaes_with_theirs(results: Results) -> Verdict:
    """At the comparison size, DAEs score lower with MVG and GMM than VAEs of the same width under N(0, I)."""
    return together(
        lower(
            f"{width} filters, {results.comparison_size} units",
            (f"DAE with {SOURCE_NAMES[prior]}", "VAE with N(0, I)"),
            at_comparison_size(results, prior, plain("dae", width)),
            at_comparison_size(results, "standard_normal", plain("vae", width)),
        )
        for width in widths_with_both(results.at_comparison_size())
        for prior in PRIORS
    )


@claim(
    "5",
    "DAEs show much stronger scaling performance than VAEs from 32 to 128 filters",
    threshold="much",
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
            f"{where}, {SOURCE_NAMES[prior]}",
            results,
            prior,
            ends,
            results.comparison_size,
            ("dae", "vae"),
            results.thresholds.much,
        )
        for prior in PRIORS
    )


@claim(
    "5",
    "but stall at 256 filters on CIFAR-10.",
    CIFAR10,
    threshold="little",
)
def daes_stall_at_256_filters(results: Results) -> Verdict:
    """At the best sizes, 256 filters score higher than 128, as high, or little lower (MVG and GMM)."""
    little = results.thresholds.little
    return together(stalls(results, prior, dae(128), dae(256), little) for prior in PRIORS)


@claim(
    "5",
    "this model having a much lower FID score for reconstructed images from the training set, but higher FID "
    "scores for the test set images.",
    CIFAR10,
    threshold="much",
)
def daes_of_256_filters_overfit(results: Results) -> Verdict:
    """At the comparison size, DAEs of 256 filters have a much lower Train R and a higher Test R than those of 128."""
    wide, narrow = dae(256), dae(128)
    both = (("reconstruction_train", wide, narrow, results.thresholds.much), ("reconstruction_test", narrow, wide, 1.0))
    return together(
        lower_at_comparison_size(SOURCE_NAMES[score], results, score, first, second, factor)
        for score, first, second, factor in both
    )


@claim(
    "5",
    "All of the VAEs and DAEs trained in these experiments have distributions in the latent space that are Gaussian",
    threshold="practically_gaussian",
)
def all_latent_distributions_are_gaussian(results: Results) -> Verdict:
    """In no trial's latents is any direction that was looked at further from a Gaussian than is negligible."""
    negligible = results.thresholds.practically_gaussian
    judged = judge_gaussianity(results.trials, negligible)
    if judged.empty:
        return together([left_open(results.to_measure("--metrics gaussianity"))])
    most = judged["effect"].max()
    largest = f", the largest {format_score(most)}" if math.isfinite(most) else ""
    far, detected = int(judged["far"].sum()), int(judged["detected"].sum())
    words = (
        f"{far} of {len(judged)} trials {'is' if far == 1 else 'are'} further from a Gaussian than negligible ({negligible:g} "
        f"nats in the least Gaussian direction{largest}); "
        f"{detected} {'differs' if detected == 1 else 'differ'} detectably from exactly Gaussian latents"
    )
    for name in TESTED[1:]:
        values = results.trials.loc[judged.index, name].dropna()
        words += f"; {MEASURES[name].title} {values.min():.3f} to {values.max():.3f}" if len(values) else ""
    if results.trials.groupby([*NETWORK, "latent_size"])["seed"].nunique().max() < 2:
        return together([left_open(f"{words}, {ONE_SEED}")])
    against = min(1.0, len(judged) * judged["p_against"].min())
    remark = "which is too near to the threshold in some trials"
    if judged["old"].any():
        remark = "some scored by an older version, which does not look for clusters: "
        remark += results.evaluate("--metrics gaussianity --sampling-seeds 1")
    elif not judged["complete"].all():
        remark = "some with too few latents to look for clusters"
    return together([decided(words, judged["p_for"].max(), against, remark)])


@claim(
    "5",
    "With increasing model width there is a reduction in the gap between scores between MVG and GMM sampling",
)
def the_gap_between_mvg_and_gmm_shrinks_with_width(results: Results) -> Verdict:
    """At the comparison size, MVG minus GMM (paired) falls with the width, for DAEs and for VAEs."""
    found = []
    for model in MODEL_NAMES:
        rows = results.at_comparison_size(model)
        nominal = NOMINAL_SPREAD * float((rows["mvg"] ** 2 + rows["gmm"] ** 2).mean() ** 0.5)
        what = f"{MODEL_NAMES[model]}, MVG − GMM"
        found.append(falls_with_width(what, results, rows, rows["mvg"] - rows["gmm"], nominal))
    return together(found)
