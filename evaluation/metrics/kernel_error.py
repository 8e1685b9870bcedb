"""The variance of the squared maximum mean discrepancy (Gretton et al. 2012), an unbiased U-statistic of order two.

Its variance has two parts (Hoeffding 1948): of the first order, 4/N Var g(x) + 4/M Var g(y), where g is the mean of the kernel
over all other images, and of the second order, from the kernel that is centred in both arguments. Where both sets have
nearly the same distribution, as good samples and real images do, the first order vanishes and the second is all there is.

The usual estimate of the first order takes the mean over the images at hand for the expectation. Its noise counts the second
order twice (Efron and Stein 1981), so what is returned is

    variance = max(first as measured - 2 second, 0) + second

A spread over random subsets says nothing of either order by itself: subsets of the same images overlap, and how much of their
spread belongs to the images depends on the order.

Shapes: N samples, M real images, D features (n rows at a time).
"""

from typing import NamedTuple

import torch

ROWS = 1024  # of a kernel matrix at a time: 80 MB for 10,000 images


class _Sums(NamedTuple):
    """Sums over a kernel matrix (N, M); of one without its diagonal where both sets are the same."""

    rows_N: torch.Tensor
    columns_M: torch.Tensor
    squares: float


def unpaired_variance(x_ND: torch.Tensor, y_MD: torch.Tensor) -> float:
    """Variance of the unbiased MMD^2 of two independent sets, both random; features float64."""
    n, m = len(x_ND), len(y_MD)
    xx, yy, xy = _sums(x_ND), _sums(y_MD), _sums(x_ND, y_MD)
    own_N = xx.rows_N / (n - 1) - xy.rows_N / m
    own_M = yy.rows_N / (m - 1) - xy.columns_M / n
    first = 4 * float(own_N.var()) / n + 4 * float(own_M.var()) / m
    second = (
        2 * _centred_square(xx, n * (n - 1)) / (n * (n - 1))
        + 2 * _centred_square(yy, m * (m - 1)) / (m * (m - 1))
        + 4 * _centred_square(xy, n * m) / (n * m)
    )
    return max(first - 2 * second, 0.0) + second


def paired_variance(x_ND: torch.Tensor, y_ND: torch.Tensor) -> float:
    """Variance of the estimate that leaves each pair (x, y) out, over fresh pairs; features float64.

    One set of pairs with the kernel k(x, x') + k(y, y') - k(x, y') - k(x', y).
    """
    n = len(x_ND)
    rows, squares = [], 0.0
    for first in range(0, n, ROWS):
        part = slice(first, first + ROWS)
        cross = _kernel(x_ND[part], y_ND) + _kernel(y_ND[part], x_ND)
        h_nN = _kernel(x_ND[part], x_ND) + _kernel(y_ND[part], y_ND) - cross
        h_nN.diagonal(first).zero_()
        rows.append(h_nN.sum(1))
        squares += float(h_nN.square().sum())
    rows_N = torch.cat(rows)
    second = 2 * _centred_square(_Sums(rows_N, rows_N, squares), n * (n - 1)) / (n * (n - 1))
    return max(4 * float((rows_N / (n - 1)).var()) / n - 2 * second, 0.0) + second


def _sums(x_ND: torch.Tensor, other_MD: torch.Tensor | None = None) -> _Sums:
    """Sums of the kernel of two sets, or of one with itself."""
    y_MD = x_ND if other_MD is None else other_MD
    rows, columns_M, squares = [], torch.zeros(len(y_MD), dtype=x_ND.dtype, device=x_ND.device), 0.0
    for first in range(0, len(x_ND), ROWS):
        k_nM = _kernel(x_ND[first : first + ROWS], y_MD)
        if other_MD is None:
            k_nM.diagonal(first).zero_()
        rows.append(k_nM.sum(1))
        columns_M += k_nM.sum(0)
        squares += float(k_nM.square().sum())
    return _Sums(torch.cat(rows), columns_M, squares)


def _kernel(x_nD: torch.Tensor, y_MD: torch.Tensor) -> torch.Tensor:
    """The cubic kernel of `kernel_distance.py`."""
    base = torch.addmm(torch.ones((), dtype=x_nD.dtype, device=x_nD.device), x_nD, y_MD.T, alpha=1 / x_nD.shape[1])
    return base * base * base


def _centred_square(sums: _Sums, pairs: int) -> float:
    """Mean square of the kernel less the means of its row and its column, plus the mean of all."""
    n, m = len(sums.rows_N), len(sums.columns_M)
    mean = float(sums.rows_N.sum()) / pairs
    rows = float((sums.rows_N / (pairs / n) - mean).square().mean())
    columns = float((sums.columns_M / (pairs / m) - mean).square().mean())
    return max(sums.squares / pairs - mean**2 - rows - columns, 0.0)
