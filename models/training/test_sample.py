"""A fixed sample of the test images, small enough to be measured after every epoch.

Problem: the training loss alone shows neither overfitting nor running statistics that lag behind, and all test images
after every epoch would take up to a tenth of the training.
Decision: one test image for every `TRAIN_PER_TEST` training images, at most `MOST`. A forward pass in eval mode takes a
third of a training step's operations, so the sample costs under 1 % of an epoch. It is the same for all trials of a data
set, and takes nothing from the random generators of the training.
"""

import numpy as np
import torch

from aesweep.models.networks.reconstruction import Images

MOST = 256
TRAIN_PER_TEST = 50


def sample_size(train: int, test: int) -> int:
    """How many of the test images are measured after every epoch."""
    return min(MOST, max(1, train // TRAIN_PER_TEST), test)


def sample_of(train: Images, test: Images, device: torch.device) -> torch.Tensor:
    """The sample, uint8 (n, H, W, C) on `device`."""
    chosen = np.random.default_rng(0).permutation(len(test))[: sample_size(len(train), len(test))]
    return torch.tensor(np.asarray(test)[np.sort(chosen)], device=device)
