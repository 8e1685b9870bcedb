"""How often the rules of the verdicts are wrong, by simulation: the cases of benchmarks/calibration.py and of its fast test.

A case is a world in which the truth is known, and the rule or claim that is asked there. At a difference of 0 nothing differs,
or something differs by exactly the threshold of a sentence; at a difference of d, in standard deviations of one score, one
verdict is right. Everything runs through the code that judges stores. test_calibration.py checks that no rule is left out.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from aesweep.analysis.claims import (
    comparisons,
    dae_against_vae,
    data_sets,
    depth,
    discussion,
    latent_norms,
    latent_sizes,
    latent_space,
    network_size,
    readings,
    smoothness,
    variants,
)
from aesweep.analysis.claims.comparisons import NetworkColumns, plain
from aesweep.analysis.claims.verdicts import Claim, Finding, Verdict, lower
from aesweep.analysis.data.results import Results
from aesweep.analysis.statistics import Sample
from aesweep.analysis.thresholds import LARGE, LITTLE, MARGINALLY, MUCH, MUCH_WIDER, NOMINAL_SPREAD, UNSTABLE
from tests.analysis.simulated import IMAGE_SE, OTHER_DATA, SEED_SD, Drawn, Network, draw

SIZES = (32, 64, 96, 128, 192, 256, 384, 512)
FEW = (64, 128, 256, 512)
WIDTHS = (32, 64, 128, 256)
DAE, VAE, DEEP = plain("dae", 128), plain("vae", 128), plain("dae", 128, "2")
FOR, AGAINST = "supported", "contradicted"
DECISIVE = frozenset({FOR, AGAINST})
SPREAD = math.hypot(SEED_SD, IMAGE_SE)
"""Standard deviation of one score over seeds and images: the unit of differences."""
NOISES = {"equal": (SEED_SD,), "unequal": (0.5 * SEED_SD, 1.5 * SEED_SD)}
"""Standard deviations over seeds, which networks take in turn: those of two rivals are as 1 to 1, or as 1 to 3."""
Rule = Callable[[Results], Finding | Verdict]
Curve = Callable[[float], float]
World = Callable[[float], tuple[Network, ...]]
"""Difference in scores -> networks."""


@dataclass(frozen=True)
class Case:
    """One world and one rule."""

    name: str
    truth: str  # at a difference of 0
    world: World
    rule: Rule
    right: str = FOR  # the verdict that is right at a difference; "" where the case has no world with one
    wrong: frozenset[str] = DECISIVE  # the verdicts that are wrong at a difference of 0

    def wrong_at(self, difference: float) -> frozenset[str]:
        """The verdicts that the truth forbids."""
        return DECISIVE - {self.right} if difference else self.wrong


def level(score: float) -> Curve:
    """The same score at every size."""
    return lambda size: score


def bowl(best: float, steep: float, lowest: float = 80.0) -> Curve:
    """A score that rises by `steep` with each doubling or halving away from its best size."""
    return lambda size: lowest + steep * abs(math.log2(size / best))


def sloped(fall: float, first: float = 32.0) -> Curve:
    """A score that falls by `fall` with each doubling of the size."""
    return lambda size: 80.0 - fall * math.log2(size / first)


def pair(first: Curve, second: Curve, sizes: tuple[int, ...] = SIZES) -> tuple[Network, ...]:
    """A DAE and a VAE of one width."""
    return Network("dae", sizes=sizes, true=first), Network("vae", sizes=sizes, true=second)


def deep_pair(deep: Curve, shallow: Curve) -> tuple[Network, ...]:
    """A DAE of depth 1 and one of depth 2."""
    return Network(sizes=FEW, true=shallow), Network(depth="2", sizes=FEW, true=deep)


def at_128(results: Results, first: NetworkColumns, second: NetworkColumns) -> tuple[Sample, Sample]:
    """Scores of two networks at 128 units."""
    return results.scores("mvg", 128, **first), results.scores("mvg", 128, **second)


def equal_at_128(d: float) -> tuple[Network, ...]:
    """A DAE that is better than the VAE by `d` at one size."""
    return pair(level(80.0), level(80.0 + d), (128,))


def shifted(share: float, d: float) -> tuple[Network, ...]:
    """A DAE that is worse than the VAE by a share and by `d`."""
    return pair(level(80.0 * (1 + share) + d), level(80.0), (128,))


def flat(d: float) -> tuple[Network, ...]:
    """A DAE that is better than the VAE by `d` at every size; the size makes no difference."""
    return pair(level(80.0), level(80.0 + d))


def bowls(d: float) -> tuple[Network, ...]:
    """The same, where both have the same best size."""
    return pair(bowl(128, 8), bowl(128, 8, 80.0 + d))


def frozen(share: float, d: float) -> tuple[Network, ...]:
    """A network, and one whose scores are higher at every size, by a share and by `d`."""
    return Network(sizes=FEW), Network(sizes=FEW, network="frozen latent", true=level(80.0 * (1 + share) + d))


def falls(dae: float, vae: float) -> tuple[Network, ...]:
    """How much the score falls from 32 to 128 filters, for each model."""
    of_model, ends = (("dae", dae), ("vae", vae)), ((32, 1.0), (128, 0.0))
    return tuple(Network(m, w, true=level(80 + k * fall)) for m, fall in of_model for w, k in ends)


def failing(model: str, sizes: tuple[int, ...], d: float, above: int = 0) -> tuple[Network, ...]:
    """Trainings that fail as often as "unstable" allows, above a size more often by 0.05 `d`."""
    rates = {size: UNSTABLE + (0.05 * d if size > above else 0.0) for size in sizes}
    return tuple(Network(model, w, sizes=(size,), fails=rate) for w in WIDTHS for size, rate in rates.items())


def all_equal(d: float) -> tuple[Network, ...]:
    """Every network that the paper trained, with the same bowl; those of [3,3,2,1] are better by `d`."""
    of_paper: list[tuple[str, int, str, str]] = [(m, w, "1", "") for w in WIDTHS for m in ("dae", "vae")]
    of_paper += [("dae", 128, "1", f"{norm} latent norm") for norm in ("batch", "layer", "spectral")]
    of_paper += [("dae", 128, "1", f"noise {std}") for std in ("0.1", "0.5", "1")]
    of_paper += [("dae", 128, "1", "frozen latent"), ("dae", 128, "2", ""), ("dae", 64, "2", ""), ("dae", 64, "3", "")]
    best = Network("dae", 128, "3-3-2-1", sizes=FEW, true=bowl(128, 4, 80.0 - d))
    return (*(Network(*columns, sizes=FEW, true=bowl(128, 4)) for columns in of_paper), best)


def _lower(results: Results, factor: float = 1.0) -> Finding:
    return lower("", ("a", "b"), *at_128(results, DAE, VAE), factor)


def _printed(results: Results) -> Finding:
    """Our DAE against a printed number from the same real images, whose nominal error is right on average."""
    assert isinstance(results, Drawn)
    trained = NOMINAL_SPREAD * 80.0 * float(np.random.default_rng(_digits(results)).standard_normal())
    value = 80.0 + results.shift + trained
    printed = Sample(np.array([value]), NOMINAL_SPREAD * value)
    return lower("", ("a", "b"), results.scores("mvg", 128, **DAE), printed)


def _digits(results: Results) -> int:
    """A seed from the scores, so that one replicate always has the same printed number."""
    return int.from_bytes(results.trials["mvg"].to_numpy(dtype=float).tobytes()[:8], "little")


def _near(results: Results) -> Finding:
    return comparisons.near("", ("a", "b"), *at_128(results, DAE, VAE))


def _little(results: Results) -> Finding:
    return comparisons.little_changed("", results, "mvg", plain("dae", 128, "1", "frozen latent"), DAE, LITTLE)


def _winner(results: Results) -> Finding:
    return latent_sizes.winner_at_best(results, "mvg", 128, "dae")


def _has_minimum(results: Results) -> Finding:
    return latent_sizes.has_minimum(results, "mvg", DAE)


def _sensitive(results: Results, factor: float = 1.0) -> Finding:
    return latent_sizes.more_sensitive("", results, "mvg", ("", DAE), ("", VAE), factor)


def _smaller(results: Results) -> Finding:
    return latent_sizes.smaller_best_size("", results, "mvg", DAE, DEEP)


def _falls_more(results: Results) -> Finding:
    return comparisons.falls_more("", results, "mvg", (32, 128), 128, ("dae", "vae"), MUCH)


def _larger_share(results: Results) -> Finding:
    return data_sets.falls_by_a_larger_share(results, results.elsewhere[OTHER_DATA], "mvg", (32, 128))


def two_data_sets(d: float) -> tuple[Network, ...]:
    """DAEs that fall by a third from 32 to 128 filters on both data sets, whose scales differ; by `d` more on the first one."""
    ends = ((32, 90.0, 150.0), (128, 60.0 - d, 100.0))
    own = (Network(filters=width, true=level(score)) for width, score, _ in ends)
    return (*own, *(Network(filters=width, true=level(score), elsewhere=True) for width, _, score in ends))


def _two_ends(d: float) -> Curve:
    """Falling to the last size but one, and there as low as the last, which is lower by `d`."""
    return lambda size: (80.0 if size == SIZES[-2] else 80.0 - d) if size >= SIZES[-2] else sloped(4.0)(size) + 20.0


BOTH_MARGINS = ((-1, FOR), (1, AGAINST))
"""Inside a margin a sentence about little difference is right, outside it is wrong."""
RULES: tuple[Case, ...] = (
    Case("lower", "equal", equal_at_128, _lower),
    Case(
        "lower by a factor",
        "exactly that factor",
        lambda d: pair(level(80.0), level(80.0 * MUCH + d), (128,)),
        partial(_lower, factor=MUCH),
    ),
    Case("lower than a printed number", "equal", lambda d: pair(level(80.0 - d), level(80.0), (128,)), _printed),
    Case("near", "equal", equal_at_128, _near, "", frozenset({AGAINST})),
    *(
        Case("near", "at the margin", lambda d, k=k: shifted(MARGINALLY, k * d), _near, right)  # type: ignore[misc]
        for k, right in BOTH_MARGINS
    ),
    Case("little_changed", "equal", partial(frozen, 0.0), _little, "", frozenset({AGAINST})),
    *(
        Case("little_changed", "at the margin", lambda d, k=k: frozen(LITTLE, k * d), _little, right)  # type: ignore[misc]
        for k, right in BOTH_MARGINS
    ),
    Case("winner_at_best", "equal, flat", flat, _winner),
    Case("winner_at_best", "equal minima", bowls, _winner),
    Case(
        "stalls",
        "lower by exactly what is little",
        lambda d: pair(level(80.0 - d), level(80.0 * (1 - LITTLE))),
        lambda r: latent_sizes.stalls(r, "mvg", ("", DAE), ("", VAE), LITTLE),
    ),
    Case(
        "falls_with_size",
        "flat",
        lambda d: pair(sloped(d / 4), level(80.0)),
        lambda r: latent_sizes.falls_with_size(r, "mvg", DAE),
    ),
    Case("has_minimum", "flat", lambda d: pair(bowl(128, d / 2), level(80.0)), _has_minimum),
    Case(
        "has_minimum", "the last two sizes are equal", lambda d: pair(_two_ends(d), level(80.0)), _has_minimum, AGAINST
    ),
    Case("more_sensitive", "equal, flat", lambda d: pair(bowl(128, d / 2), level(80.0)), _sensitive),
    Case("more_sensitive", "equal ranges", lambda d: pair(bowl(128, 8 + d / 2), bowl(128, 8)), _sensitive),
    Case(
        "more_sensitive by a factor",
        "exactly that factor",
        lambda d: pair(bowl(128, 8 * MUCH + d / 2), bowl(128, 8)),
        partial(_sensitive, factor=MUCH),
    ),
    Case("smaller_best_size", "flat", lambda d: deep_pair(bowl(128, d), bowl(256, d)), _smaller),
    Case(
        "smaller_best_size",
        "the same size",
        lambda d: deep_pair(bowl(128, 2 + d), bowl(128, 2 + d)),
        _smaller,
        AGAINST,
        frozenset({FOR}),
    ),
    Case("best_size_is_large", "flat", flat, lambda r: latent_sizes.best_size_is_large(r, "mvg", DAE, LARGE), ""),
    Case("worse_on_average", "equal", bowls, lambda r: comparisons.worse_on_average("", r, "mvg", DAE, VAE)),
    Case("falls_more by a factor", "exactly that factor", lambda d: falls(9.0 + d, 6.0), _falls_more),
    Case("falls_more by a factor", "neither falls", lambda d: falls(d, 0.0), _falls_more, FOR, frozenset({FOR})),
    Case(
        "falls_with_width",
        "flat",
        lambda d: tuple(Network(filters=w, true=level(80.0 - d * math.log2(w / 32) / 3)) for w in WIDTHS),
        lambda r: comparisons.falls_with_width("", r, r.trials, r.trials["mvg"]),
    ),
    Case("falls_by_a_larger_share", "the same share on two data sets", two_data_sets, _larger_share),
)
"""Every comparison where the truth is a tie, or exactly at the threshold of the sentence."""


def _claim(claim: Claim, truth: str, world: World, right: str = "", wrong: frozenset[str] = DECISIVE) -> Case:
    return Case(claim.name, truth, world, claim.judge, right, wrong)


OWN_CLAIMS: tuple[Case, ...] = (
    _claim(
        dae_against_vae.vaes_become_unstable_above_512_units,
        "as many fail as is called stable",
        partial(failing, "vae", (128, 256, 512, 768, 1024), above=512),
        FOR,
    ),
    _claim(
        dae_against_vae.dae_training_is_robust_at_all_latent_sizes,
        "as many fail as is called stable",
        partial(failing, "dae", FEW),
        AGAINST,
    ),
    _claim(
        latent_space.dae_latents_spread_wider_than_the_standard_normal,
        "exactly that wide",
        lambda d: (Network(spread=MUCH_WIDER - d / 100),),
        AGAINST,
    ),
    _claim(
        variants.the_best_overall_has_128_filters_depths_3321_and_96_units, "all networks are equal", all_equal, FOR
    ),
)
"""Claims that decide by themselves, not by one of the rules."""
TIED_CLAIMS = (
    discussion.daes_with_a_fitted_prior_outperform_vaes_with_theirs,
    dae_against_vae.daes_always_outperform_vaes_at_the_comparison_point,
    dae_against_vae.at_the_best_size_daes_win_on_cifar10_but_for_mvg_at_32_and_256,
    depth.deeper_networks_improve_overall,
    depth.depth_regularises_more_than_width,
    discussion.the_gap_between_mvg_and_gmm_shrinks_with_width,
    latent_norms.batch_normalisation_makes_latents_more_spherical,
    network_size.the_widest_daes_outperform_vaes,
    smoothness.depth_makes_daes_smoother_than_width_does,
    smoothness.larger_encoders_and_decoders_are_smoother,
    smoothness.the_size_of_the_network_outweighs_variational_inference,
    smoothness.weak_networks_need_variational_inference,
    smoothness.wider_daes_are_smoother_and_more_interpolatable,
    smoothness.wider_daes_gain_interpolatability_and_lipschitz_continuity,
    variants.at_64_filters_deeper_networks_do_worse_at_best,
    variants.at_128_filters_deeper_networks_do_better_at_best,
    variants.noise_degrades_reconstruction_and_generation,
    variants.with_noise_between_01_and_05_the_dae_drops_below_the_vae,
    latent_norms.spectral_and_layer_normalisation_do_not_rescue_the_standard_normal,
)
"""Claims of several comparisons, none of which is decided where all networks are equal."""
THRESHOLD_CLAIMS = (
    dae_against_vae.daes_are_more_sensitive_to_the_latent_size,
    data_sets.vaes_are_best_at_more_latent_units_than_daes,
    discussion.daes_scale_more_strongly_with_width,
    discussion.daes_of_256_filters_overfit,
    variants.deeper_networks_are_less_sensitive_to_the_latent_size,
    variants.deeper_networks_have_a_smaller_best_latent_size,
    latent_norms.batch_normalisation_rescues_the_standard_normal,
)
"""Claims of an amount: nothing differs, so "contradicted" is right and "supported" is wrong."""
LITTLE_CLAIMS = (
    discussion.daes_stall_at_256_filters,
    readings.the_objective_of_vaes_is_the_papers,
    smoothness.powerful_networks_are_smooth_without_variational_inference,
    variants.freezing_the_latent_layer_hardly_matters,
    latent_norms.latent_normalisation_hardly_changes_mvg_and_gmm,
)
"""Claims of no difference: "supported" is right and "contradicted" is wrong."""
CLAIM_CASES: tuple[Case, ...] = (
    *OWN_CLAIMS,
    *(
        _claim(claim, "all networks are equal", all_equal, "", wrong)
        for claims, wrong in (
            (TIED_CLAIMS, DECISIVE),
            (THRESHOLD_CLAIMS, frozenset({FOR})),
            (LITTLE_CLAIMS, frozenset({AGAINST})),
        )
        for claim in claims
    ),
)
networks_of = lru_cache(maxsize=None)(lambda world, difference: world(difference * SPREAD))
"""A world's networks, the same object each time, so that their rows are laid out once."""


def outcomes(
    cases: Iterable[Case], seeds: int, noise: str, replicates: int, seed: int, difference: float = 0.0
) -> dict[Case, dict[str, int]]:
    """How often each verdict is given, by case. Cases of the same world see the same scores."""
    found: dict[Case, dict[str, int]] = {case: {} for case in cases}
    worlds: dict[World, list[Case]] = {}
    for case in found:
        worlds.setdefault(case.world, []).append(case)
    for place, (world, asked) in enumerate(worlds.items()):
        random = np.random.default_rng([seed, seeds, len(noise), place, round(10 * difference)])
        networks = networks_of(world, difference)
        for _ in range(replicates):
            drawn = draw(networks, seeds, random, NOISES[noise])
            for case in asked:
                outcome = case.rule(drawn).outcome
                found[case][outcome] = found[case].get(outcome, 0) + 1
    return found


def wrong_verdicts(
    cases: Iterable[Case], seeds: int, noise: str, replicates: int, seed: int, difference: float = 0.0
) -> dict[Case, int]:
    """How many of `replicates` verdicts are wrong, by case."""
    found = outcomes(cases, seeds, noise, replicates, seed, difference)
    return {case: sum(counts.get(o, 0) for o in case.wrong_at(difference)) for case, counts in found.items()}
