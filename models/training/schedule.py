"""The learning rate of each epoch. Imports no torch: a plan warns of schedules that are too short.

The paper's schedule is given for 100 epochs; shorter runs keep its proportions, so that a quick run is a small copy of a full one.
"""

import math

from aesweep.models.config import TrialConfig


def learning_rate(config: TrialConfig, epoch: int) -> float:
    """Learning rate of an epoch, counted from 0.

    At 100 epochs: 1e-4 in epoch 0 (warmup), 1e-3 up to epoch 32, 1e-4 from 33 ("decaying at the 33rd and 66th epoch"),
    1e-5 from 66. A drop that falls inside an epoch takes effect with the next one.
    """
    if epoch < config.warmup_epochs:
        return config.warmup_learning_rate
    # the tiny margin keeps 0.29 * 100 = 28.999999999999996 on epoch 29
    drops_passed = sum(epoch >= drop * config.epochs - 1e-9 for drop in config.learning_rate_drops)
    return config.learning_rates[drops_passed]


def full_rate_steps(config: TrialConfig, images: int) -> int | None:
    """Steps at the highest rate on so many training images; None if the rate never falls below it.

    That is where most is learnt: what the later, lower rates do is refine.
    """
    rates = [learning_rate(config, epoch) for epoch in range(config.epochs)]
    highest = max(config.learning_rates)
    if config.epochs and rates[-1] == highest:
        return None
    return rates.count(highest) * math.ceil(images / config.batch_size)
