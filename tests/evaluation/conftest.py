"""Real images for the tests of scoring: digits everywhere, CIFAR-10 where the file is at hand."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_digits

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.descriptions import DESCRIPTIONS
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import load_extractor
from aesweep.evaluation.networks.weights import RANDOM_CONV_SHA256
from aesweep.sweep.tables.schemas import COLUMNS
from tests.evaluation.pictures import smooth_pictures

CIFAR10 = Path(__file__).resolve().parents[3] / "shared" / "data" / "cifar10-jpeg.parquet"

ROW = {column.name for column in COLUMNS["scores"]} - {
    *("key", "evaluation", "extractor_sha256", "preparation", "reference_seed", "seed", "scored"),
    *("vae_latents", "changed_settings"),
}
"""Columns of one score; the tables add what its evaluation says (sweep/tables/rows.py)."""


def all_metrics_of(folder: str, **settings: Any) -> EvaluationConfig:
    """An evaluation of every metric in a folder of evaluation/, with a prior that cannot be fitted: too many components."""
    metrics = tuple(one.name for one in DESCRIPTIONS if f".{folder}." in str(one.measure))
    fixed: dict[str, Any] = {"kid_subsets": 5, "priors": ("mvg", "gmm"), "gmm_components": 200}
    return EvaluationConfig(metrics=metrics, extractor_sha256=RANDOM_CONV_SHA256, **fixed, **settings)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def digits() -> np.ndarray:
    """All 1,797 handwritten digits in a random order, uint8 (N, 32, 32, 3)."""
    pictures = (load_digits().images * 255 / 16).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(pictures))
    return np.stack([_rgb(Image.fromarray(pictures[i]).resize((32, 32), Image.Resampling.BILINEAR)) for i in order])


@pytest.fixture(scope="session")
def cifar10() -> np.ndarray:
    """1,000 CIFAR-10 test images, uint8 (N, 32, 32, 3)."""
    if not CIFAR10.is_file():
        pytest.skip(f"{CIFAR10} is not on this machine")
    import pyarrow.parquet as pq

    table = pq.read_table(CIFAR10, columns=["jpeg"], filters=[("split", "=", "test")])
    # Spread over the file, since it may be sorted by class.
    chosen = np.random.default_rng(0).permutation(len(table))[:1000]
    return np.stack([_rgb(Image.open(io.BytesIO(data))) for data in table["jpeg"].take(chosen).to_pylist()])


@pytest.fixture(scope="session")
def random_conv() -> Extractor:
    return load_extractor("random-conv-64", Path("/nowhere"), torch.device("cpu"))


@pytest.fixture(scope="session")
def random_inception(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A weights file of the Inception network with random weights."""
    from tests.evaluation.networks.random_inception import write_random_inception

    return write_random_inception(tmp_path_factory.mktemp("weights") / "inception.pth")


@pytest.fixture(scope="session")
def smooth() -> np.ndarray:
    """48 pictures, uint8 (48, 32, 32, 3)."""
    return smooth_pictures(48, 0).numpy()


def _rgb(image: Image.Image) -> np.ndarray:
    return np.asarray(image.convert("RGB"))
