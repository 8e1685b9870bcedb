"""A fast version of benchmarks/calibration.py: ties are hardly ever decided, one seed decides nothing, and no rule is left out."""

import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from types import CodeType, FrameType

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from aesweep.analysis import best_setting, claims, statistics
from aesweep.analysis.claims import verdicts
from aesweep.analysis.claims.verdicts import Claim, Finding
from aesweep.analysis.data.results import Results
from aesweep.analysis.power import welch_power
from tests.analysis.calibration import CLAIM_CASES, DAE, NOISES, RULES, Case, bowls, outcomes, wrong_verdicts
from tests.analysis.simulated import FID, draw

REPLICATES = 12
MAKERS = {"decided", "below", "above", "every", "holds", "Finding"}
"""What makes a finding that can be decisive: a function that calls one of them is a rule."""
FACTS = {
    "circular": "a comparison that is left open",
    "_is_sound": "a look at what a user's claim returned",
    "_failed": "an error in a user's claim, which is neither for nor against",
    "_parameter_range": "counts of parameters, which are exact",
    "_within_bound": "counts of parameters, which are exact",
    "the_largest_networks_approach_the_bound": "counts of parameters, which are exact",
    "ten_times_larger_networks_would_clear_the_bound": "counts of parameters, which are exact",
    "all_latent_distributions_are_gaussian": "held against simulated Gaussian data: tests/evaluation/metrics",
}
"""Rules without noise over training seeds, and what is no rule."""
ELSEWHERE = {
    "paired_difference": "for answers on the report's first screen: benchmarks/calibration_parts/paired.py",
    "may_be_lowest": "likewise, and tests/analysis/test_may_be_lowest.py",
}
"""Statistics that no rule uses, and where they are simulated."""


def test_a_tie_is_hardly_ever_decided_and_never_by_one_seed() -> None:
    for seeds, noise in ((1, "equal"), (3, "equal"), (2, "unequal")):
        wrong = wrong_verdicts(RULES, seeds, noise, REPLICATES, seed=7)
        assert too_many(wrong, seeds, REPLICATES) == {}, f"{seeds} seeds, {noise} spreads"


def test_a_large_difference_is_found_by_every_rule_and_in_the_right_direction() -> None:
    """Rules that never decide would pass the test above."""
    found = outcomes([case for case in RULES if case.right], 10, "equal", 4, seed=1, difference=4.0)
    assert {name(case): counts for case, counts in found.items() if counts.get(case.right, 0) < 3} == {}
    assert {name(case): counts for case, counts in found.items() if set(counts) & case.wrong_at(4.0)} == {}


@pytest.mark.parametrize(("seeds", "noise", "replicates"), [(1, "unequal", 3), (3, "equal", 8)])
def test_claims_are_hardly_ever_decided_wrongly_where_all_networks_are_equal(
    seeds: int, noise: str, replicates: int
) -> None:
    assert too_many(wrong_verdicts(CLAIM_CASES, seeds, noise, replicates, seed=11), seeds, replicates) == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 2, 3])
@pytest.mark.parametrize("noise", NOISES)
def test_no_claim_is_decided_wrongly_where_all_networks_are_equal(seeds: int, noise: str) -> None:
    assert too_many(wrong_verdicts(CLAIM_CASES, seeds, noise, 15, seed=3), seeds, 15) == {}


@pytest.mark.slow
def test_differences_are_found_as_often_as_the_power_of_the_plan_says() -> None:
    lower = [case for case in RULES if case.name == "lower"]
    for seeds, difference in ((2, 8.0), (3, 3.0), (5, 2.0), (10, 1.5)):
        counts = next(iter(outcomes(lower, seeds, "equal", 400, 5, difference).values()))
        exact = welch_power(difference, seeds)
        assert counts["supported"] / 400 == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 400))


def test_every_rule_and_every_statistic_is_simulated() -> None:
    """A new function that decides, or a claim that decides by itself, needs a case in calibration.py."""
    deciders: set[str] = set()
    functions: set[str] = set()
    modules = {module.__name__: module for module in (statistics, best_setting)}

    def watch(frame: FrameType, event: str, _: object) -> None:
        code, caller = frame.f_code, frame.f_back
        if event == "call" and code in maker_codes and caller is not None:
            deciders.add(caller.f_code.co_qualname.partition(".")[0])
        elif event == "call" and frame.f_globals.get("__name__") in modules:
            functions.add(code.co_qualname)

    maker_codes = {getattr(verdicts, maker).__code__ for maker in MAKERS - {"Finding"}} | {Finding.__init__.__code__}
    sys.setprofile(watch)
    try:
        for case in (*RULES, *CLAIM_CASES):
            outcomes([case], 3, "equal", 1, seed=0)
    finally:
        sys.setprofile(None)
    assert set(rules()) - deciders - set(FACTS) == set(), "no case in tests/analysis/calibration.py"
    every = [found for module in modules.values() for found in vars(module).values() if inspect.isfunction(found)]
    public = {f.__name__ for f in every if f.__module__ in modules and not f.__name__.startswith("_")}
    assert public - functions - set(ELSEWHERE) == set(), "no simulated rule uses it"


def test_a_claim_that_decides_by_itself_is_seen_as_a_rule() -> None:
    """The test above would pass if it saw none."""
    found = set(rules())
    assert {"lower", "near", "little_changed", "has_minimum", "_best_overall"} <= found
    assert {"vaes_become_unstable_above_512_units", "networks_have_the_parameters_of_section_5"} & found == {
        "vaes_become_unstable_above_512_units"
    }
    assert not {"both_models_have_a_best_number_of_latent_units", "left_open", "together", "no_score"} & found


def test_drawn_results_answer_like_results_that_were_read() -> None:
    drawn = draw(bowls(0.0), 3, np.random.default_rng(0))
    read = Results(drawn.data, FID, drawn.trials, drawn.trained, {}, drawn.latents, "simulated")
    pd.testing.assert_frame_equal(drawn.by_seed("mvg", **DAE), read.by_seed("mvg", **DAE), check_index_type=False)
    assert drawn.scores("gmm", 128, **DAE).values.tolist() == read.scores("gmm", 128, **DAE).values.tolist()
    pd.testing.assert_frame_equal(drawn.of(**DAE), read.of(**DAE))


def rules() -> Iterator[str]:
    """Functions of the claims that decide: their own code names one of `MAKERS`."""
    for info in pkgutil.iter_modules(claims.__path__):
        module = import_module(f"{claims.__name__}.{info.name}")
        for value in vars(module).values():
            function: Callable[..., object] = value.judge if isinstance(value, Claim) else value
            if not inspect.isfunction(function) or function.__module__ != module.__name__:
                continue
            if MAKERS & set(names_in(function.__code__)) and function.__name__ not in {*MAKERS, "left_open"}:
                yield function.__name__


def names_in(code: CodeType) -> Iterator[str]:
    """Global names that a function and the functions within it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def too_many(wrong: dict[Case, int], seeds: int, replicates: int) -> dict[str, int]:
    """Cases that are wrong more often than in 5 %, beyond chance; with one seed more often than never."""
    allowed = 0 if seeds == 1 else stats.binom.ppf(0.999, replicates, 0.05)
    return {name(case): count for case, count in wrong.items() if count > allowed}


def name(case: Case) -> str:
    """For messages."""
    return f"{case.name}, {case.truth}, {case.right}"
