"""Copies are told from new images; the probabilities and their errors against pairs counted one by one."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from aesweep.evaluation.diagnostics.memorisation import Nearest, against_test, to_training


def at(distances: np.ndarray) -> Nearest:
    """Images at these distances."""
    return Nearest(distances, np.zeros(len(distances), dtype=int), np.ones(len(distances)))


def points(n: int, seed: int) -> torch.Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal((n, 6)))


def test_copies_are_not_authentic_and_near_copies_neither() -> None:
    train = points(200, 0)
    for images, share in ((train[:50], 0.0), (train[:50] + 1e-3, 0.0), (10 + train[:50], 1.0)):
        assert to_training(images, train).authentic.mean() == share


def test_a_training_image_that_is_there_twice_has_copies_too() -> None:
    train = torch.cat([points(50, 0), points(50, 0)])
    copies = to_training(points(50, 0), train)
    assert not copies.authentic.any() and (copies.suspicion == 0).all()
    new = to_training(points(50, 1), train)
    assert new.authentic.all() and np.isinf(new.suspicion).all()


def test_new_images_of_the_same_distribution_are_as_authentic_and_as_near_as_test_images() -> None:
    train, test, samples = points(1000, 0), points(2000, 1), points(2000, 2)
    near, far = to_training(samples, train), to_training(test, train)
    assert near.authentic.mean() == pytest.approx(far.authentic.mean(), abs=0.06)
    found = against_test(near, far)
    for name, expected in (("nearest_ratio", 1.0), ("nearer_than_test", 0.5)):
        value, error, n = found[name]
        assert error is not None and abs(value - expected) < 4 * error and n == 2000


def test_a_tenth_of_copies_among_the_samples_is_seen() -> None:
    train, test, samples = points(1000, 0), points(2000, 1), points(2000, 2)
    samples[:200] = train[:200] + 1e-3
    near, far = to_training(samples, train), to_training(test, train)
    value, error, _ = against_test(near, far)["nearer_than_test"]
    assert error is not None and value - 0.5 > 3 * error
    assert set(np.argsort(near.suspicion)[:200]) == set(range(200))
    assert (near.index[:200] == np.arange(200)).all()


def test_the_probability_counts_pairs_and_its_error_is_the_spread_over_both_sets() -> None:
    sample, test = np.array([0.0, 1.0, 1.0, 3.0]), np.array([1.0, 2.0, 3.0])
    share = np.mean([(x < y) + 0.5 * (x == y) for x in sample for y in test])
    assert against_test(at(sample), at(test))["nearer_than_test"][0] == pytest.approx(share)
    generator = np.random.default_rng(0)
    found = [against_test(at(generator.gamma(3, size=80)), at(generator.gamma(4, size=50))) for _ in range(200)]
    for name in ("nearest_ratio", "nearer_than_test"):
        values, errors, _ = (np.array(part, dtype=float) for part in zip(*(one[name] for one in found), strict=True))
        assert errors.mean() == pytest.approx(values.std(), rel=0.2)


def test_suspicion_is_the_distance_in_units_of_the_neighbourhood() -> None:
    images = Nearest(np.array([1.0, 2.0, 0.0]), np.zeros(3, dtype=int), np.array([4.0, 2.0, 0.0]))
    assert images.suspicion.tolist() == [0.25, 1.0, 0.0]
    assert replace(images, spacing=np.ones(3)).authentic.tolist() == [True, True, False]


def test_an_image_between_all_others_is_near_and_no_copy_which_reconstructions_of_test_images_show() -> None:
    train, test, samples = points(1000, 0), points(2000, 1), points(2000, 2)
    blurred = [to_training(0.3 * images, train) for images in (samples, test)]
    sharp = to_training(test, train)
    against_sharp = against_test(blurred[0], sharp)["nearer_than_test"][0]
    against_blurred = against_test(blurred[0], blurred[1])["nearer_than_test"][0]
    assert against_sharp > 0.7 and against_blurred == pytest.approx(0.5, abs=0.05)
