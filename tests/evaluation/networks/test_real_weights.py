"""With the real Inception weights and CIFAR-10 at hand: how far its own test images are from its training images.

    AESWEEP_WEIGHTS=~/.cache/aesweep python -m pytest -m weights --junitxml=weights.xml tests/evaluation/test_real_weights.py

The folder is one that `aesweep fetch inception` and `aesweep fetch cifar10` filled. The distance is recorded in the XML file.
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from aesweep.evaluation.metrics.frechet import frechet_distance
from aesweep.evaluation.networks.extractors import load_extractor
from aesweep.evaluation.reference import measure_reference
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import DataSource
from aesweep.models.data.images import load_images

pytestmark = pytest.mark.weights
FOLDER = os.environ.get("AESWEEP_WEIGHTS", "")


@pytest.mark.skipif(not FOLDER, reason="AESWEEP_WEIGHTS names no folder with the Inception weights and CIFAR-10")
def test_real_test_images_are_at_the_known_small_distance_from_real_training_images(
    record_property: Callable[[str, object], None],
) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    images = load_images(TrialConfig(dataset="cifar10"), DataSource(data_dir=Path(FOLDER), folder=None))
    extractor = load_extractor("inception-2015", Path(FOLDER), device)
    train, test = (measure_reference(x, np.arange(len(x)), extractor) for x in images)
    fid = frechet_distance(test.statistics, train.statistics)
    record_property("cifar10_train_test_fid", fid)
    assert 2.5 < fid < 4  # 50,000 against 10,000 images; generators on CIFAR-10 are published down to about 2
