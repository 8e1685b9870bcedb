"""How often the rules of the verdicts are wrong, by simulation: the cases of benchmarks/calibration.py and of its fast test.

A case is a world in which the truth is known (nothing differs, or something differs by exactly the threshold of a sentence),
the rule or claim that is asked, and the verdicts that are wrong there. Everything runs through the code that judges stores.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from aesweep.analysis.claims import (
    comparisons,
    dae_against_vae,
    data_sets,
    depth,
    discussion,
    latent_sizes,
    network_size,
    variants,
)
from aesweep.analysis.claims.comparisons import plain
from aesweep.analysis.claims.verdicts import Finding, Verdict, lower
from aesweep.analysis.data.results import Results
from aesweep.analysis.statistics import Sample
from aesweep.analysis.thresholds import LARGE, LITTLE, MARGINALLY, MUCH, NOMINAL_SPREAD
from tests.analysis.simulated import Network, draw

SIZES = (32, 64, 96, 128, 192, 256, 384, 512)
FEW = (64, 128, 256, 512)
DAE, VAE, DEEP = plain("dae", 128), plain("vae", 128), plain("dae", 128, "2")
DECISIVE = frozenset({"supported", "contradicted"})
FOR, AGAINST = frozenset({"supported"}), frozenset({"contradicted"})
Rule = Callable[[Results], Finding | Verdict]
Curve = Callable[[float], float]


@dataclass(frozen=True)
class Case:
    """One world and one rule; `wrong` are the verdicts that the truth forbids."""

    name: str
    truth: str
    networks: tuple[Network, ...]
    rule: Rule
    wrong: frozenset[str] = DECISIVE


def bowl(best: float, steep: float, lowest: float = 80.0) -> Curve:
    """A score that rises by `steep` with each doubling or halving away from its best size."""
    return lambda size: lowest + steep * abs(math.log2(size / best))


def pair(first: Curve, second: Curve, sizes: tuple[int, ...] = SIZES) -> tuple[Network, ...]:
    """A DAE and a VAE of one width."""
    return Network("dae", sizes=sizes, true=first), Network("vae", sizes=sizes, true=second)


def at_128(
    results: Results, first: comparisons.NetworkColumns, second: comparisons.NetworkColumns
) -> tuple[Sample, Sample]:
    """Scores of two networks at 128 units."""
    return results.scores("mvg", 128, **first), results.scores("mvg", 128, **second)


def printed(results: Results, value: float) -> Finding:
    """Our DAE against a printed number with its nominal error."""
    return lower("", ("a", "b"), results.scores("mvg", 128, **DAE), Sample(np.array([value]), NOMINAL_SPREAD * value))


def _flat(size: float) -> float:
    return 80.0


ONE = (128,)
EQUAL_AT_128 = pair(_flat, _flat, ONE)
EQUAL, EQUAL_BOWLS = pair(_flat, _flat), pair(bowl(128, 8), bowl(128, 8))
WIDTHS = (32, 64, 128)
PLAIN = tuple(
    Network(model, width, sizes=FEW, true=bowl(128, 4)) for width in (*WIDTHS, 256) for model in ("dae", "vae")
)
VARIED = (
    *(Network("dae", 128, network=f"{norm} latent norm", sizes=FEW, true=bowl(128, 4)) for norm in ("batch", "layer")),
    *(Network("dae", 128, network=f"noise {std}", sizes=FEW, true=bowl(128, 4)) for std in ("0.1", "0.5", "1")),
    Network("dae", 128, network="frozen latent", sizes=FEW, true=bowl(128, 4)),
    *(Network("dae", 128, depth, sizes=FEW, true=bowl(128, 4)) for depth in ("2", "3-3-2-1")),
    *(Network("dae", 64, depth, sizes=FEW, true=bowl(128, 4)) for depth in ("2", "3")),
)


def _scaled(share: float, network: str = "frozen latent") -> tuple[Network, ...]:
    """A network and one whose scores are higher by a share at every size."""
    return (
        Network(sizes=FEW, true=_flat),
        Network(sizes=FEW, network=network, true=lambda size: 80.0 * (1 + share)),
    )


def _little(results: Results) -> Finding:
    return comparisons.little_changed("", results, "mvg", plain("dae", 128, "1", "frozen latent"), DAE, LITTLE)


def _falls(dae: float, vae: float) -> tuple[Network, ...]:
    """How much the score falls from 32 to 128 filters, for each model."""
    ends = ((32, 1.0), (128, 0.0))
    falls = (("dae", dae), ("vae", vae))
    return tuple(Network(m, w, true=_level(80 + k * fall)) for m, fall in falls for w, k in ends)


def _level(score: float) -> Curve:
    return lambda size: score


def _falls_more(results: Results) -> Finding:
    return comparisons.falls_more("", results, "mvg", (32, 128), 128, ("dae", "vae"), MUCH)


RULES: tuple[Case, ...] = (
    Case("lower", "equal", EQUAL_AT_128, lambda r: lower("", ("a", "b"), *at_128(r, DAE, VAE))),
    Case(
        "lower by a factor",
        "exactly that factor",
        pair(_flat, _level(80.0 * MUCH), ONE),
        lambda r: lower("", ("a", "b"), *at_128(r, DAE, VAE), MUCH),
    ),
    Case("lower than a printed number", "equal", EQUAL_AT_128, lambda r: printed(r, 80.0)),
    Case("near", "equal", EQUAL_AT_128, lambda r: comparisons.near("", ("a", "b"), *at_128(r, DAE, VAE)), AGAINST),
    Case(
        "near",
        "at the margin",
        pair(_level(80.0 * (1 + MARGINALLY)), _flat, ONE),
        lambda r: comparisons.near("", ("a", "b"), *at_128(r, DAE, VAE)),
    ),
    Case("little_changed", "equal", _scaled(0.0), _little, AGAINST),
    Case("little_changed", "at the margin", _scaled(LITTLE), _little),
    Case("winner_at_best", "equal, flat", EQUAL, lambda r: latent_sizes.winner_at_best(r, "mvg", 128, "dae")),
    Case("winner_at_best", "equal minima", EQUAL_BOWLS, lambda r: latent_sizes.winner_at_best(r, "mvg", 128, "dae")),
    Case("falls_with_size", "flat", EQUAL, lambda r: latent_sizes.falls_with_size(r, "mvg", DAE)),
    Case("has_minimum", "flat", EQUAL, lambda r: latent_sizes.has_minimum(r, "mvg", DAE)),
    Case(
        "more_sensitive",
        "equal, flat",
        EQUAL,
        lambda r: latent_sizes.more_sensitive("", r, "mvg", ("", DAE), ("", VAE)),
    ),
    Case(
        "more_sensitive",
        "equal ranges",
        EQUAL_BOWLS,
        lambda r: latent_sizes.more_sensitive("", r, "mvg", ("", DAE), ("", VAE)),
    ),
    Case(
        "more_sensitive by a factor",
        "exactly that factor",
        pair(bowl(128, 8 * MUCH), bowl(128, 8)),
        lambda r: latent_sizes.more_sensitive("", r, "mvg", ("", DAE), ("", VAE), MUCH),
    ),
    Case(
        "smaller_best_size",
        "flat",
        (Network(sizes=SIZES), Network(depth="2", sizes=SIZES)),
        lambda r: latent_sizes.smaller_best_size("", r, "mvg", DAE, DEEP),
    ),
    Case(
        "smaller_best_size",
        "the same size",
        (Network(sizes=SIZES, true=bowl(128, 2)), Network(depth="2", sizes=SIZES, true=bowl(128, 2))),
        lambda r: latent_sizes.smaller_best_size("", r, "mvg", DAE, DEEP),
        FOR,
    ),
    Case(
        "best_size_is_large",
        "flat",
        (Network(sizes=SIZES),),
        lambda r: latent_sizes.best_size_is_large(r, "mvg", DAE, LARGE),
    ),
    Case("worse_on_average", "equal", EQUAL_BOWLS, lambda r: comparisons.worse_on_average("", r, "mvg", DAE, VAE)),
    Case("falls_more", "equal falls, one and a half asked", _falls(9.0, 6.0), _falls_more),
    Case("falls_more", "neither falls", _falls(0.0, 0.0), _falls_more, FOR),
    Case(
        "falls_with_width",
        "flat",
        tuple(Network(filters=width) for width in WIDTHS),
        lambda r: comparisons.falls_with_width("", r, r.trials, r.trials["mvg"]),
    ),
)
"""Every comparison where the truth is a tie, or exactly at the threshold of the sentence."""

TIED_CLAIMS = (
    discussion.daes_with_a_fitted_prior_outperform_vaes_with_theirs,
    dae_against_vae.daes_always_outperform_vaes_at_the_comparison_point,
    dae_against_vae.at_the_best_size_daes_win_on_cifar10_but_for_mvg_at_32_and_256,
    depth.deeper_networks_improve_overall,
    depth.depth_regularises_more_than_width,
    discussion.daes_stall_at_256_filters,
    discussion.the_gap_between_mvg_and_gmm_shrinks_with_width,
    network_size.the_widest_daes_outperform_vaes,
    variants.at_64_filters_deeper_networks_do_worse_at_best,
    variants.at_128_filters_deeper_networks_do_better_at_best,
    variants.the_best_overall_has_128_filters_depths_3321_and_96_units,
    variants.noise_degrades_reconstruction_and_generation,
    variants.with_noise_between_01_and_05_the_dae_drops_below_the_vae,
)
"""Claims of several comparisons, none of which is decided where all networks are equal."""
THRESHOLD_CLAIMS = (
    dae_against_vae.daes_are_more_sensitive_to_the_latent_size,
    data_sets.vaes_are_best_at_more_latent_units_than_daes,
    discussion.daes_scale_more_strongly_with_width,
    discussion.daes_of_256_filters_overfit,
    variants.deeper_networks_are_less_sensitive_to_the_latent_size,
    variants.deeper_networks_have_a_smaller_best_latent_size,
    variants.batch_normalisation_rescues_the_standard_normal,
)
"""Claims of an amount: nothing differs, so "contradicted" is right and "supported" is wrong."""
LITTLE_CLAIMS = (
    variants.freezing_the_latent_layer_hardly_matters,
    variants.latent_normalisation_hardly_changes_mvg_and_gmm,
)
"""Claims of no difference: "supported" is right and "contradicted" is wrong."""
CLAIM_CASES: tuple[Case, ...] = tuple(
    Case(claim.name, "all networks are equal", (*PLAIN, *VARIED), claim.judge, wrong)
    for claims, wrong in ((TIED_CLAIMS, DECISIVE), (THRESHOLD_CLAIMS, FOR), (LITTLE_CLAIMS, AGAINST))
    for claim in claims
)


def wrong_verdicts(cases: Iterable[Case], seeds: int, seed_sd: float, replicates: int, seed: int) -> dict[Case, int]:
    """How many of `replicates` verdicts are wrong, by case. Cases with the same networks see the same scores."""
    wrong = dict.fromkeys(cases, 0)
    worlds: dict[tuple[Network, ...], list[Case]] = {}
    for case in wrong:
        worlds.setdefault(case.networks, []).append(case)
    for place, (networks, asked) in enumerate(worlds.items()):
        random = np.random.default_rng([seed, seeds, round(1000 * seed_sd), place])
        for _ in range(replicates):
            drawn = draw(networks, seeds, random, seed_sd)
            for case in asked:
                wrong[case] += case.rule(drawn).outcome in case.wrong
    return wrong
