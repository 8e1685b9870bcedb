"""Means over seeds of many networks at once: against the statistics module, and against known spreads."""

import numpy as np
import pytest
from scipy import stats

from aesweep.analysis.best_setting import Settings
from aesweep.analysis.over_seeds import means_over_seeds
from aesweep.analysis.statistics import Sample


@pytest.mark.parametrize("seed", range(3))
def test_they_are_those_of_the_statistics_module(seed: int) -> None:
    """Also where networks have unequal numbers of seeds, and trials have no value."""
    random = np.random.default_rng(seed)
    network = random.integers(0, 12, 50)
    kind = network % 3
    values = np.where(random.random(50) < 0.2, np.nan, random.normal(network, 1 + 10 * kind))
    found = means_over_seeds(values, network, kind)
    samples = {int(one): values[(network == one) & np.isfinite(values)] for one in np.unique(network)}
    scored = [one for one, sample in samples.items() if len(sample)]
    slow = Settings([Sample(samples[one]) for one in scored], [str(one % 3) for one in scored])
    assert found.index.tolist() == scored
    assert found["mean"].tolist() == pytest.approx(slow.means.tolist())
    assert found["seeds"].tolist() == slow.counts.tolist()
    estimates = [slow.mean_at(place) for place in range(len(scored))]
    assert found["stderr"].tolist() == pytest.approx([one.error for one in estimates])
    assert found["half_width"].tolist() == pytest.approx([one.half_width for one in estimates])


def test_a_model_with_wide_scores_leaves_the_errors_of_another_as_they_are() -> None:
    """The standard deviations over seeds are 1 and 50: each model's intervals show its own."""
    random = np.random.default_rng(1)
    networks, seeds = 400, 4
    network = np.repeat(np.arange(networks), seeds)
    kind = network % 2
    values = random.normal(network, np.where(kind == 1, 50.0, 1.0))
    found = means_over_seeds(values, network, kind)
    for one, deviation in ((0, 1.0), (1, 50.0)):
        part = found[found.index % 2 == one]
        assert part["stderr"].to_numpy() == pytest.approx(deviation / 2, rel=0.1)
        holds = int((abs(part["mean"] - part.index) <= part["half_width"]).sum())
        assert stats.binom.ppf(0.001, len(part), 0.95) <= holds <= stats.binom.ppf(0.999, len(part), 0.95)


def test_single_seeds_have_no_interval_and_borrow_none_of_another_kind() -> None:
    values, network = np.array([1.0, 2.0, 5.0, 9.0]), np.array([0, 1, 2, 2])
    apart = means_over_seeds(values, network, np.array([0, 0, 1, 1]))
    assert np.isnan(apart.half_width).tolist() == [True, True, False] and apart["mean"].tolist() == [1.0, 2.0, 7.0]
    together = means_over_seeds(values, network, np.zeros(4, dtype=int))
    assert np.isfinite(together.half_width).all()
