"""A fast version of benchmarks/calibration.py: where nothing differs hardly anything is decided, and nothing by one seed."""

import pytest
from scipy import stats

from tests.analysis.calibration import CLAIM_CASES, RULES, wrong_verdicts

QUICK = [case for case in RULES if all(len(network.sizes) == 1 for network in case.networks)]
REPLICATES = 8  # curves over several sizes are in test_statistics and in the benchmark


@pytest.mark.parametrize("seeds", [1, 3])
def test_a_tie_and_a_difference_at_the_threshold_are_hardly_ever_decided(seeds: int) -> None:
    wrong = wrong_verdicts(QUICK, seeds, seed_sd=1.0, replicates=REPLICATES, seed=7)
    allowed = 0 if seeds == 1 else stats.binom.ppf(0.999, REPLICATES, 0.05)
    assert {case.name: count for case, count in wrong.items() if count > allowed} == {}


@pytest.mark.slow
@pytest.mark.parametrize("seeds", [1, 2, 3])
def test_no_claim_is_decided_wrongly_where_all_networks_are_equal(seeds: int) -> None:
    wrong = wrong_verdicts(CLAIM_CASES, seeds, seed_sd=1.0, replicates=15, seed=3)
    allowed = 0 if seeds == 1 else stats.binom.ppf(0.999, 15, 0.05)
    assert {case.name: count for case, count in wrong.items() if count > allowed} == {}
