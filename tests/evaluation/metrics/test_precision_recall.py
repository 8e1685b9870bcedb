import numpy as np
import pytest
import torch

from aesweep.evaluation.metrics import precision_recall as neighbours
from aesweep.evaluation.metrics.precision_recall import prdc


def draw(n: int, dimension: int, seed: int, scale: float = 1.0) -> torch.Tensor:
    return torch.from_numpy((scale * np.random.default_rng(seed).normal(size=(n, dimension))).astype(np.float32))


@pytest.mark.parametrize("scale", [0.5, 1.0, 1.5])
def test_all_four_are_those_of_the_authors_package(scale: float, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = pytest.importorskip("prdc")
    monkeypatch.setattr(neighbours, "ROWS", 64)  # several pieces of the matrix
    sample, real = draw(300, 6, 0, scale), draw(250, 6, 1)
    theirs = judge.compute_prdc(real.double().numpy(), sample.double().numpy(), nearest_k=5)
    assert prdc(sample, real, 5) == pytest.approx(theirs, rel=1e-12)


def test_on_a_line_they_can_be_counted() -> None:
    real = torch.tensor([[0.0], [1.0], [3.0], [7.0]])  # distances to the nearest other one: 1, 1, 2, 4
    sample = torch.tensor([[0.5], [2.5], [20.0]])  # 2, 2, 17.5
    # 0.5 lies in the balls of 0 and 1; 2.5 in those of 3 alone (1 + 1 < 2.5, 7 - 4 = 3); 20 in none.
    # In the sample's balls (-1.5, 2.5), (0.5, 4.5), (2.5, 37.5): all real images. Each ball but that of 7 holds a sample.
    assert prdc(sample, real, 1) == {"precision": 2 / 3, "recall": 1.0, "density": 3 / 3, "coverage": 3 / 4}


def test_copies_of_the_real_images_are_perfect_and_far_ones_worthless() -> None:
    real = draw(100, 4, 0)
    same = prdc(real, real, 3)
    assert (same["precision"], same["recall"], same["coverage"]) == (1, 1, 1)
    assert set(prdc(real + 100, real, 3).values()) == {0.0}


def test_a_far_mean_loses_no_digits() -> None:
    sample, real = draw(100, 4, 0), draw(100, 4, 1)
    assert prdc(sample + 4096, real + 4096, 3) == pytest.approx(prdc(sample, real, 3), abs=0.011)


def test_duplicates_have_a_ball_of_no_size() -> None:
    real = torch.zeros(10, 3)
    assert set(prdc(real, real, 3).values()) == {0.0}  # nothing is closer than 0


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ValueError, match="5 neighbours need more images than 5"):
        prdc(draw(5, 3, 0), draw(50, 3, 1), 5)
    with pytest.raises(ValueError, match="cannot be compared"):
        prdc(draw(50, 3, 0), draw(50, 4, 1), 5)
