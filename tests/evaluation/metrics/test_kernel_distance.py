import numpy as np
import pytest
import torch
from torch_fidelity import metric_kid

from aesweep.evaluation.metrics.kernel_distance import kernel_distance


def draw(n: int, dimension: int, seed: int, shift: float = 0.0) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(shift, size=(n, dimension)).astype(np.float32))


def test_one_subset_is_torch_fidelitys_distance_of_its_images() -> None:
    sample, real = draw(40, 12, 0, shift=0.2), draw(40, 12, 1)
    ours, stderr = kernel_distance(torch.cat([sample, sample]), torch.cat([real, real]), 1, 40, seed=3)
    assert stderr is None
    generator = np.random.default_rng(_seed(3))
    chosen = [generator.permutation(80)[:40] % 40 for _ in range(2)]
    theirs = metric_kid.kernel_mmd(
        sample.double().numpy()[chosen[0]],
        real.double().numpy()[chosen[1]],
        kid_kernel="poly",
        kid_kernel_poly_degree=3,
        kid_kernel_poly_gamma=None,
        kid_kernel_poly_coef0=1,
    )
    assert ours == pytest.approx(float(theirs), rel=1e-12)


def test_it_agrees_with_torch_fidelitys_metric_within_the_error_of_the_subsets() -> None:
    sample, real = draw(600, 20, 0, shift=0.3), draw(600, 20, 1)
    theirs = metric_kid.kid_features_to_metric(
        sample, real, kid_subsets=200, kid_subset_size=100, verbose=False, rng_seed=1
    )
    ours, _ = kernel_distance(sample, real, 200, 100, seed=0)
    of_subsets = theirs["kernel_inception_distance_std"] / np.sqrt(200)
    assert ours == pytest.approx(theirs["kernel_inception_distance_mean"], abs=4 * of_subsets)


EQUAL, NEARLY_EQUAL, DIFFERENT = 0.0, 0.05, 0.3  # the shift of one of two distributions


@pytest.mark.parametrize(
    ("n", "m", "shift"),
    [
        (200, 200, EQUAL),
        (200, 200, NEARLY_EQUAL),
        (200, 200, DIFFERENT),
        (800, 100, EQUAL),
        (100, 800, DIFFERENT),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [(800, 100, NEARLY_EQUAL), (800, 100, DIFFERENT), (100, 800, EQUAL), (100, 800, NEARLY_EQUAL)]
        ),
    ],
)
def test_the_standard_error_is_the_spread_over_fresh_images(n: int, m: int, shift: float) -> None:
    """Also where the first order of the variance vanishes, since good samples look like real images."""
    found = [kernel_distance(draw(n, 8, i, shift), draw(m, 8, 1000 + i), 20, 50, seed=0) for i in range(150)]
    values, stderrs = np.array(found).T
    assert stderrs.mean() == pytest.approx(values.std(ddof=1), rel=0.2)


def reconstructed(images: torch.Tensor, seed: int, shift: float) -> torch.Tensor:
    return 0.9 * images + 0.1 * draw(images.shape[0], images.shape[1], 5000 + seed) + shift


def test_perfect_reconstructions_are_at_zero() -> None:
    images = draw(200, 8, 0)
    value, stderr = kernel_distance(images, images, 20, 50, seed=0, paired=True)
    assert value == pytest.approx(0, abs=1e-12)
    assert stderr == pytest.approx(0, abs=1e-12)


def test_reconstructions_have_the_distance_that_independent_images_have_to_them() -> None:
    """The truth from images that nobody reconstructed; compared with their own ones, reconstructions come out lower."""
    truth, own, all_pairs = [], [], []
    for i in range(150):
        images, others = draw(100, 8, i), draw(100, 8, 1000 + i)
        blurred = reconstructed(images, i, 0.05)
        own.append(kernel_distance(blurred, images, 40, 40, seed=0, paired=True))
        truth.append(kernel_distance(blurred, others, 40, 40, seed=0)[0])
        all_pairs.append(kernel_distance(blurred, images, 40, 40, seed=0)[0])
    values, stderrs = np.array(own).T
    error = np.std(truth) / np.sqrt(len(truth))
    assert values.mean() == pytest.approx(np.mean(truth), abs=3 * error)
    assert np.mean(all_pairs) < np.mean(truth) - 3 * error
    assert stderrs.mean() == pytest.approx(values.std(ddof=1), rel=0.3)


def test_reconstructions_of_other_images_are_refused() -> None:
    with pytest.raises(ValueError, match="50 reconstructions cannot be those of 60 images"):
        kernel_distance(draw(50, 4, 0), draw(60, 4, 1), 5, 20, seed=0, paired=True)


def test_equal_distributions_are_at_zero_whatever_the_number_of_images() -> None:
    for n in (20, 2000):
        value, stderr = kernel_distance(draw(n, 8, 0), draw(n, 8, 1), 100, n // 4, seed=0)
        assert stderr is not None
        assert abs(value) < 3 * stderr


def test_subsets_are_decided_by_the_seed() -> None:
    sample, real = draw(50, 4, 0), draw(60, 4, 1)
    first, again, other = (kernel_distance(sample, real, 5, 20, seed)[0] for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize(("size", "dimension"), [(26, 4), (1, 4), (20, 5)])
def test_sets_that_cannot_be_compared_are_refused(size: int, dimension: int) -> None:
    with pytest.raises(ValueError, match="cannot be"):
        kernel_distance(draw(50, 4, 0), draw(60, dimension, 1), 5, size, seed=0)


def _seed(seed: int) -> int:
    from aesweep.models.identity import stream_seed

    return stream_seed("kid", seed)


def test_too_few_images_for_any_subset_are_told_how_many_are_needed() -> None:
    with pytest.raises(ValueError, match="cannot be drawn from 2: at least 4 are needed"):
        kernel_distance(draw(2, 3, 0), draw(2, 3, 1), 1, 1, seed=0)
