import math

import numpy as np
import pytest
import torch

from aesweep.evaluation.metrics.inception_score import inception_score


def test_sure_and_even_classes_score_their_number() -> None:
    logits = 100 * torch.eye(5).repeat(40, 1)  # each part of 20 images has each class about 4 times
    score, stderr = inception_score(logits, seed=0)
    assert score == pytest.approx(5, rel=0.15)
    assert stderr < 0.2


def test_images_that_all_look_alike_score_one() -> None:
    assert inception_score(torch.randn(7).repeat(100, 1), seed=0) == pytest.approx((1, 0), abs=1e-9)


def test_it_is_exp_of_the_mean_divergence_of_each_part() -> None:
    logits = torch.from_numpy(np.random.default_rng(0).normal(size=(100, 6)))
    order = np.random.RandomState(3).permutation(100)
    scores = []
    for part in logits[order].split(10):
        p = part.softmax(1)
        scores.append(math.exp(float((p * (p.log() - p.mean(0).log())).sum(1).mean())))
    score, stderr = inception_score(logits, seed=3)
    assert score == pytest.approx(np.mean(scores), rel=1e-12)
    assert stderr == pytest.approx(np.std(scores, ddof=1) / math.sqrt(10), rel=1e-12)


def test_fewer_images_than_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="needs 10 images, there are 9"):
        inception_score(torch.zeros(9, 4), 0)
