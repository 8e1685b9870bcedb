"""What the measures of `gaussianity.py` give for truly Gaussian latents: their means, standard deviations and p-values.

`shape_null`: 2,000 simulated replicates. Whitening n Gaussian latents of d dimensions and taking their r^2 costs n d^2 for
each (0.5 s of a core for 10,000 of 768 dimensions), but only the r^2 are needed, and they are as good as independent:

* one r^2 follows (n - 1) Beta(d / 2, (n - d - 1) / 2) exactly (Gnanadesikan and Kettenring 1972);
* together they sum to n d exactly. Other dependence is of second order: to first order only the trace of a sample covariance
  moves the distribution of r^2, by symmetry.

So a replicate is n draws of chi-squared, scaled to the mean d, put through the quantiles of the Beta law and scaled to the sum
n d. Mardia's kurtosis is then given its exact mean and variance (Mardia 1974). The cost is n, whatever d: 1 to 2 s of a core
for 10,000 latents, once for each n and d in a process. Files in the store would save less than they cost.
`benchmarks/gaussianity.py` and the tests compare all this with whitened data.

Beyond the largest tenth of the replicates p-values follow an exponential tail with their mean excess, as in Knijnenburg et al.
2009 with a generalised Pareto law of shape 0. The tails of these laws fall faster, so p-values there are rather too large, and
they can be small enough for hundreds of trials, where counting 2,000 replicates ends at 0.0005.

`gap_null`: a model of what a mixture of K components loses on Gaussian test latents, see there.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import betaincinv, digamma, gammaincinv, ndtr

from aesweep.models.identity import stream_seed

REPLICATES = 2000
TAIL = 0.1
"""Share of the replicates that the exponential tail is fitted on."""
GAP_SPREAD = 0.2
"""Standard deviation of a simulated gap from `gap_null`, as a share of it: mostly the model's, little by chance."""


@dataclass(frozen=True, eq=False)
class Law:
    """The distribution of one statistic of Gaussian data, by its replicates in ascending order, float64 (R,)."""

    replicates: np.ndarray

    @property
    def mean(self) -> float:
        """Over the replicates."""
        return float(self.replicates.mean())

    @property
    def deviation(self) -> float:
        """Standard deviation of one replicate."""
        return float(self.replicates.std(ddof=1))

    def p_above(self, value: float) -> float:
        """Chance of this value or a larger one: (1 + count) / (1 + R), or the exponential tail."""
        return _upper(self.replicates, value)

    def p_either(self, value: float) -> float:
        """Two-sided: twice the smaller of the chances of the two tails."""
        return min(1.0, 2 * min(_upper(self.replicates, value), _upper(-self.replicates[::-1], -value)))


def _upper(ascending_R: np.ndarray, value: float) -> float:
    count = len(ascending_R)
    inside = int((1 - TAIL) * count)
    start, tail = ascending_R[inside - 1], ascending_R[inside:]
    if value <= start:
        return float(1 + count - np.searchsorted(ascending_R, value)) / (1 + count)
    excess = float((tail - start).mean())
    return (1 + len(tail)) / (1 + count) * math.exp(-(value - float(start)) / excess) if excess > 0 else 0.0


@lru_cache(maxsize=64)
def shape_null(n: int, d: int) -> tuple[Law, Law, Law]:
    """The laws of Mardia's kurtosis, the radius' Kolmogorov-Smirnov distance and the marginal kurtosis.

    For `n` Gaussian latents whose covariance has rank `d`. The first two are the same for every covariance. The marginal
    kurtosis, |excess kurtosis| averaged over d independent dimensions, has the same mean whatever the covariance; its spread
    grows with the eighth power of the correlations between dimensions.
    """
    generator = np.random.default_rng(stream_seed("gaussianity null", n, d))
    chi2_G, r2_G, below_G = _radius_quantiles(n, d)
    steps = np.arange(n + 1) / n
    mardia, distance = np.empty(REPLICATES), np.empty(REPLICATES)
    for i in range(REPLICATES):
        draw_n = np.sort(generator.standard_gamma(d / 2, n))
        draw_n *= d / 2 / draw_n.mean()
        below_n = np.interp(draw_n, chi2_G, below_G)
        distance[i] = max((steps[1:] - below_n).max(), (below_n - steps[:-1]).max())
        r2_n = np.interp(draw_n, chi2_G, r2_G)
        r2_n *= n * d / r2_n.sum()
        mardia[i] = (r2_n * r2_n).mean() / (d * (d + 2))
    mardia = _with_moments(mardia, *mardia_moments(n, d))
    dimension = _kurtosis_of_a_dimension(n)
    marginal = dimension.mean() + (dimension - dimension.mean()) / math.sqrt(d)
    return Law(np.sort(mardia)), Law(np.sort(distance)), Law(np.sort(marginal))


def _with_moments(values: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """The values shifted and scaled to this mean and standard deviation."""
    spread = values.std(ddof=1)
    moved = mean + deviation * (values - values.mean()) / spread if spread > 0 else np.full(len(values), mean)
    return np.asarray(moved)


def mardia_moments(n: int, d: int) -> tuple[float, float]:
    """Exact mean and standard deviation of Mardia's kurtosis over d (d + 2) for Gaussian data (Mardia 1974)."""
    variance = 8 * (n - 3) * (n - d - 1) * (n - d + 1) / ((n + 1) ** 2 * (n + 3) * (n + 5))
    return (n - 1) / (n + 1), math.sqrt(variance / (d * (d + 2)))


def _radius_quantiles(n: int, d: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Quantiles of chi-squared / 2 and of r^2, and their probabilities, each (G,): between them, straight lines."""
    ends = np.geomspace(1e-12, 1e-3, 200)
    probabilities = np.concatenate([ends, np.linspace(1e-3, 1 - 1e-3, 3000)[1:-1], 1 - ends[::-1]])
    r2 = (n - 1) * betaincinv(d / 2, (n - d - 1) / 2, probabilities)
    return gammaincinv(d / 2, probabilities), r2, probabilities


@lru_cache(maxsize=8)
def _kurtosis_of_a_dimension(n: int) -> np.ndarray:
    """|Excess kurtosis| of `REPLICATES` samples of n normal values, simulated and given its exact mean and variance.

    Its mean is that of all dimensions together, whose spread is small, so it must be known well.
    """
    generator = np.random.default_rng(stream_seed("gaussianity null", n))
    found = np.empty(REPLICATES)
    for i in range(REPLICATES):
        x_n = generator.standard_normal(n)
        squared_n = (x_n - x_n.mean()) ** 2
        found[i] = (squared_n * squared_n).mean() / squared_n.mean() ** 2 / 3
    return np.asarray(np.abs(3 * _with_moments(found, *mardia_moments(n, 1)) - 3))


def gaussian_fit_cost(n: int, d: int) -> float:
    """Expected KL divergence of a Gaussian of d dimensions from the one fitted on n of its points, nats; exact.

    For the mean and the covariance of maximum likelihood, from the moments of the Wishart distribution; inf for n < d + 3.
    """
    if n < d + 3:
        return math.inf
    logarithm = float(digamma((n - np.arange(1, d + 1)) / 2).sum()) + d * math.log(2 / n)
    return 0.5 * (d * (n + 1) / (n - d - 2) - d + logarithm)


def gap_null(n: int, d: int, components: int) -> tuple[float, float] | None:
    """What `loglikelihood_gap` is on Gaussian latents: mean and standard deviation, nats per dimension.

    `n` are the latents that the priors were fitted on. A mixture of K components loses what its many parameters fit by
    chance. Were each component fitted on n / K latents of its own, that would be `gaussian_fit_cost(n / K, d)`, less what
    the single Gaussian loses. Simulated mixtures of ten (8 to 64 dimensions, 2,000 to 10,000 latents, equal and falling
    variances) lose 1.6 times as much where that is under 0.6 nats, and 1.0 times from 2.5 nats on, in between by its
    logarithm. It agrees with 80 and 770 dimensions at 50,000 latents. None: too few latents per component.
    """
    hard = gaussian_fit_cost(n // components, d) - gaussian_fit_cost(n, d)
    if not math.isfinite(hard):
        return None
    if components == 1:
        return 0.0, 0.0
    value = -hard * float(np.interp(math.log(max(hard, 1e-9)), [math.log(0.6), math.log(2.5)], [1.6, 1.0])) / d
    return value, GAP_SPREAD * abs(value)


def gap_p(gap: float, stderr: float, n: int, d: int) -> float:
    """A p-value against "test latents are Gaussian, with the law of the training latents", never too small.

    No density beats the true one: on Gaussian latents a mixture gains at most what the single Gaussian, fitted on `n` latents,
    loses against the true one. That holds for every mixture, whatever its size and its fit.
    """
    excess = gap - gaussian_fit_cost(n, d) / d
    if stderr == 0:
        return 0.0 if excess > 0 else 1.0
    return float(ndtr(-excess / stderr))
