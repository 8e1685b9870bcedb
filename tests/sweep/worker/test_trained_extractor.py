"""A feature network that is trained on labels is trained once per store, and damaged weights never mix with others."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.plugins.files import forget_files, load_files
from aesweep.sweep.store.records.commits import ScoresRecord
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.rows import read_results, trial_rows
from tests.small_store import DONE, score_done, small_spec

TAUGHT = """
import hashlib, os
import numpy as np
from aesweep.evaluation.npz import from_npz, to_npz
from aesweep.plugins import FeatureNetwork

def recipe(data_dir):
    return hashlib.sha256(b"taught").hexdigest()

def train(images, labels, device):
    assert len(images) == len(labels) and labels.max() == 9
    return to_npz(scale=np.frombuffer(os.urandom(8), np.uint8).astype(np.float32) + 1)  # a GPU: other bits each time

def load(data, device):
    import torch
    from aesweep.plugins import Extractor
    scale = torch.from_numpy(from_npz(data, "taught", "scale")["scale"])
    class Network(torch.nn.Module):
        def forward(self, images):
            return torch.nn.functional.adaptive_avg_pool2d(images.float().mean(1, keepdim=True), (2, 4)).flatten(1) * scale
    return Extractor("taught", recipe(None), 8, Network(), device, 100, weights=hashlib.sha256(data).hexdigest())

taught = FeatureNetwork(name="taught", version="1", meaning="learns nothing", preparation="2 x 4 px", weights=recipe,
    load=load, train=train, needs_labels=True)
"""


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Store:
    shutil.copytree(small_store, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "progress")
    return open_store(tmp_path / "store")


@pytest.fixture(autouse=True)
def taught(tmp_path: Path) -> Iterator[None]:
    (tmp_path / "taught.py").write_text(TAUGHT)
    load_files([tmp_path / "taught.py"])
    yield
    forget_files()


def scored(store: Store, data_dir: Path, seed: int) -> ScoresRecord:
    spec = replace(small_spec(data_dir), extractor="taught")
    evaluation: EvaluationConfig = replace(spec.evaluation_config(), metrics=("frechet",), sampling_seeds=(seed,))
    assert evaluation.plugin_versions == ("extractor taught 1",)
    score_done(store, evaluation, spec.execution)
    commit = store.commits.scores(DONE.key, evaluation.id)
    assert commit is not None and all(row.value is not None for row in commit.rows)
    return commit


def test_it_is_trained_once_and_its_weights_are_named(store: Store, data_dir: Path) -> None:
    first, second = (scored(store, data_dir, seed) for seed in (0, 1))
    assert len(first.extractor_weights) == 64 and first.extractor_weights == second.extractor_weights
    results = read_results(store, DONE.key)
    rows = trial_rows(results, sweep="", block="", state="done", evaluation="").rows["scores"]
    named = {row["extractor_sha256"] for row in rows if row["extractor"] == "taught"}
    assert named == {first.extractor_weights}
    assert {row["preparation"] for row in rows if row["extractor"] == "taught"} == {"2 x 4 px"}


def test_damaged_weights_are_set_aside_and_what_they_measured_is_not_used_again(store: Store, data_dir: Path) -> None:
    first = scored(store, data_dir, 0)
    (weights,) = Path(store.root, "references").glob("*-weights.npz")
    weights.write_bytes(weights.read_bytes()[:-50])
    again = scored(store, data_dir, 1)
    assert again.extractor_weights not in ("", first.extractor_weights)
    assert list(weights.parent.glob("*-weights.npz.damaged-*"))
    references = {path.name for path in weights.parent.glob("*-taught-*.npz")}
    for sha256 in (first.extractor_weights, again.extractor_weights):
        assert any(sha256[:8] in name for name in references)


def test_two_drivers_measure_with_the_weights_of_the_first(store: Store, data_dir: Path) -> None:
    first = scored(store, data_dir, 0)
    (weights,) = Path(store.root, "references").glob("*-weights.npz")
    assert not store.storage.commit(f"references/{weights.name}", b"of a second driver")
    assert scored(store, data_dir, 1).extractor_weights == first.extractor_weights
