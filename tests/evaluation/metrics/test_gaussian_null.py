"""The nulls of Gaussianity: the fast sampler against whitened data, tails that hold, and what a mixture loses."""

import numpy as np
import pytest
import scipy.stats
from threadpoolctl import threadpool_limits

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.metrics.gaussian_null import (
    REPLICATES,
    Law,
    gap_null,
    gap_p,
    gaussian_fit_cost,
    shape_null,
)
from aesweep.evaluation.metrics.gaussianity import loglikelihood_gap, shape_statistics
from aesweep.evaluation.priors.fitting import fit_prior


@pytest.mark.parametrize(("n", "d", "replicates"), [(40, 3, 1000), (60, 40, 1000), (300, 16, 1000), (400, 128, 200)])
def test_the_null_is_that_of_whitened_gaussian_data(n: int, d: int, replicates: int) -> None:
    generator = np.random.default_rng(1)
    with threadpool_limits(1):
        draws = np.stack([shape_statistics(generator.normal(size=(n, d)))[0] for _ in range(replicates)])
    for law, direct in zip(shape_null(n, d), draws.T, strict=True):
        assert len(law.replicates) == REPLICATES
        error = 4 * law.deviation / replicates**0.5
        assert direct.mean() == pytest.approx(law.mean, abs=error + 0.1 * law.deviation)
        assert direct.std() == pytest.approx(law.deviation, rel=0.05 + 4 / (2 * replicates) ** 0.5)
    for law, direct in zip(shape_null(n, d)[:2], draws.T, strict=False):  # whole laws of what is tested
        assert scipy.stats.ks_2samp(law.replicates, direct).pvalue > 0.001


def test_p_values_of_gaussian_data_are_uniform() -> None:
    n, d = 200, 10
    laws = shape_null(n, d)
    generator = np.random.default_rng(2)
    with threadpool_limits(1):
        draws = [shape_statistics(generator.normal(size=(n, d)))[0] for _ in range(2000)]
    for p in ([laws[0].p_either(x[0]) for x in draws], [laws[1].p_above(x[1]) for x in draws]):
        for level in (0.5, 0.1, 0.01):
            assert np.mean(np.array(p) < level) == pytest.approx(level, abs=0.02 * level + 4 * (level / 2000) ** 0.5)
        assert min(p) > 1e-6


def test_the_tail_is_never_lighter_than_a_normal_one_and_counts_inside() -> None:
    law = Law(np.sort(np.random.default_rng(0).normal(size=REPLICATES)))
    assert law.p_above(0.0) == pytest.approx(0.5, abs=0.05)
    values = np.array([law.p_above(x) for x in (2.0, 3.0, 4.0, 5.0, 8.0)])
    assert (values > 0.8 * scipy.stats.norm.sf([2.0, 3.0, 4.0, 5.0, 8.0])).all() and (np.diff(values) < 0).all()
    assert values[-1] < 1e-6  # hundreds of trials can still be told apart
    assert law.p_either(-5.0) == pytest.approx(2 * law.p_above(5.0), rel=3)
    assert law.p_above(-9.0) == 1.0 and law.p_either(0.0) > 0.9


def test_what_a_fitted_gaussian_loses_is_exact() -> None:
    n, d = 30, 4
    generator = np.random.default_rng(0)
    losses = []
    for _ in range(4000):
        x = generator.normal(size=(n, d))
        mean, covariance = x.mean(0), np.cov(x, rowvar=False, bias=True)
        inverse = np.linalg.inv(covariance)
        losses.append(0.5 * (np.trace(inverse) + mean @ inverse @ mean - d + np.linalg.slogdet(covariance)[1]))
    assert gaussian_fit_cost(n, d) == pytest.approx(np.mean(losses), rel=0.03)
    assert gaussian_fit_cost(d + 2, d) == np.inf


@pytest.mark.parametrize(("n", "d", "components"), [(2000, 16, 10), (2000, 32, 10), (2000, 16, 3)])
def test_mixtures_on_gaussian_latents_lose_what_the_model_says(n: int, d: int, components: int) -> None:
    generator = np.random.default_rng(3)
    scales = 1 / np.arange(1, d + 1)
    x, test = (generator.normal(size=(rows, d)) * scales for rows in (n, 10_000))
    evaluation = EvaluationConfig(gmm_components=components)
    with threadpool_limits(1):
        gap = loglikelihood_gap(test, fit_prior("gmm", x, evaluation), fit_prior("mvg", x, evaluation))
    null = gap_null(n, d, components)
    assert null is not None
    assert abs(gap.mean() - null[0]) < 2 * null[1]
    assert gap_p(float(gap.mean()), float(gap.std() / 100), n, d) > 0.5


def test_the_gap_of_gaussian_latents_at_the_papers_sizes() -> None:
    # Simulated with ten components and 50,000 latents: -0.006 at 80 dimensions, -0.043 at 770.
    for d, simulated in ((80, -0.006), (770, -0.043)):
        mean, deviation = gap_null(50_000, d, 10) or (0.0, 0.0)
        assert abs(mean - simulated) < deviation
    assert gap_null(50_000, 80, 1) == (0.0, 0.0)
    assert gap_null(500, 80, 10) is None


def test_only_a_gain_beyond_the_fitted_gaussians_own_loss_is_significant() -> None:
    loss = gaussian_fit_cost(5000, 64) / 64
    assert gap_p(loss, 0.001, 5000, 64) == pytest.approx(0.5)
    assert gap_p(loss + 0.005, 0.001, 5000, 64) < 1e-6
    assert (gap_p(loss + 1e-9, 0.0, 5000, 64), gap_p(0.0, 0.0, 5000, 64)) == (0.0, 1.0)
