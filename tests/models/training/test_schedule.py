"""The learning rate of Section 3."""

from dataclasses import replace

import pytest

from aesweep.models.config import TrialConfig
from aesweep.models.training.schedule import learning_rate

PAPER = TrialConfig(epochs=100)


def test_the_paper_s_schedule_at_100_epochs() -> None:
    rates = [learning_rate(PAPER, epoch) for epoch in range(100)]
    assert rates == [1e-4] + [1e-3] * 32 + [1e-4] * 33 + [1e-5] * 34
    assert (rates[32], rates[33], rates[65], rates[66]) == (1e-3, 1e-4, 1e-4, 1e-5)


@pytest.mark.parametrize("epochs", [10, 20, 30, 50, 200])
def test_shorter_and_longer_runs_keep_the_proportions(epochs: int) -> None:
    rates = [learning_rate(replace(PAPER, epochs=epochs), epoch) for epoch in range(epochs)]
    assert rates[0] == 1e-4
    assert sum(rate == 1e-5 for rate in rates) == pytest.approx(0.34 * epochs, abs=1)
    assert sum(rate == 1e-3 for rate in rates) + 1 == pytest.approx(0.33 * epochs, abs=1)
    assert rates[1:] == sorted(rates[1:], reverse=True)


def test_warmup_and_drops_are_fields() -> None:
    config = replace(PAPER, epochs=10, warmup_epochs=0, learning_rates=(0.1, 0.2), learning_rate_drops=(0.29,))
    assert [learning_rate(config, epoch) for epoch in range(10)] == [0.1] * 3 + [0.2] * 7
    # 0.29 * 100 is 28.999999999999996 in floating point: the drop belongs to epoch 29
    hundred = replace(config, epochs=100)
    assert [learning_rate(hundred, epoch) for epoch in (28, 29)] == [0.1, 0.2]


def test_a_single_rate_has_no_drops() -> None:
    config = replace(PAPER, learning_rates=(0.5,), learning_rate_drops=(), warmup_epochs=2)
    assert [learning_rate(config, epoch) for epoch in (0, 1, 2, 99)] == [1e-4, 1e-4, 0.5, 0.5]
