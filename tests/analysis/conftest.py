"""A synthetic store: tables with the real schemas, invented numbers (seeded), and small pictures of coloured noise.

The numbers follow the paper's shapes (a DAE has an optimal latent size, a VAE is flat; reconstructions improve with
size) so that figures look like figures. They are no results: devices and versions say `synthetic`.
"""

import io
import itertools
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from aesweep.analysis.data.gaussianity import MEASURES, TESTED
from aesweep.analysis.data.results import Results
from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.deciding_fields import deciding_columns
from aesweep.evaluation.pictures import image_grid
from aesweep.models.config import TrialConfig
from aesweep.models.cost import parameter_counts
from aesweep.sweep.tables.rows import config_row
from aesweep.sweep.tables.schemas import COLUMNS, schema

START = datetime(2000, 1, 1, tzinfo=UTC)
DEFAULTS = EvaluationConfig().to_json()
PRIORS = ("standard_normal", "mvg", "gmm")
PICTURES = ("reconstruction-train.png", "reconstruction-test.png", *(f"{prior}.png" for prior in PRIORS))


@dataclass
class Synthetic:
    """What to invent. `trials` are configs; states by index, "done" where none is given."""

    trials: list[TrialConfig]
    states: dict[int, str] = field(default_factory=dict)
    evaluations: tuple[tuple[str, str, str], ...] = (("e" * 12, "fd", "random-conv-64"),)
    """(evaluation id, metric, extractor)"""
    sampling_seeds: tuple[int, ...] = (0,)
    pictures: bool = True
    latent_points: int = 60
    gaussianity: bool = False
    """Rows of source `latents` for the first evaluation: rounder the larger the encoder, VAEs rounder than DAEs."""
    parameters: bool = False
    """The parameter counts of the real networks, else a million each."""
    interpolation: bool = False
    """A real grid of walks, 8 rows of 11 images, beside the pictures."""
    edit: Callable[[dict[str, list[dict[str, Any]]]], None] = lambda rows: None
    """Changes the rows of the tables before they are written."""


def grid(**fields: Iterable[Any]) -> list[TrialConfig]:
    """The product of the given fields, as `TrialConfig`s of the digits."""
    return [TrialConfig(**dict(zip(fields, values, strict=True))) for values in itertools.product(*fields.values())]


def write_store(root: Path, synthetic: Synthetic) -> Path:
    """Write the store's marker, tables and pictures."""
    rows: dict[str, list[dict[str, Any]]] = {name: [] for name in COLUMNS}
    random = np.random.default_rng(20260)
    for i, config in enumerate(synthetic.trials):
        state = synthetic.states.get(i, "done")
        rows["trials"].append(_trial(config, state, synthetic.pictures, random))
        if synthetic.parameters:
            counts = parameter_counts(config)
            rows["trials"][-1] |= {"parameters_encoder": counts.encoder, "parameters_decoder": counts.decoder}
        if state in ("done", "trained"):
            rows["epochs"] += _epochs(config, random)
        if state == "done":
            for evaluation in synthetic.evaluations:
                rows["scores"] += _scores(config, evaluation, synthetic.sampling_seeds, random)
            rows["latents"] += _latents(config, synthetic.latent_points, random)
            if synthetic.gaussianity:
                rows["scores"] += _gaussianity(config, synthetic.evaluations[0][0])
            if synthetic.pictures:
                _write_pictures(root / rows["trials"][-1]["pictures"], synthetic.interpolation)
        if state == "failed":
            rows["failures"].append(_failure(config, i))
    synthetic.edit(rows)
    (root / "tables").mkdir(parents=True, exist_ok=True)
    (root / "store.json").write_text('{"format": 1}')
    for table, found in rows.items():
        pq.write_table(pa.Table.from_pylist(found, schema=schema(table)), root / "tables" / f"{table}.parquet")
    return root


def distance(config: TrialConfig, source: str) -> float:
    """An invented distance with the paper's shape."""
    octaves = math.log2(config.latent_size)
    width = 14 * math.log2(256 / config.filters)
    if source == "reconstruction":
        return 20 + width * 0.6 + 220 / math.pow(config.latent_size, 0.8 if config.model == "dae" else 0.6)
    if source == "standard_normal" and config.model == "dae" and config.latent_norm == "none":
        return 300 + 20 * octaves
    bowl = (
        5.0 * (octaves - 4.0 - 0.3 * math.log2(config.filters / 16)) ** 2
        if config.model == "dae"
        else 22 - 2.2 * octaves
    )
    return 60 + width + bowl - (8 if source == "gmm" else 0) + (3 if config.freeze_latent else 0)


def _trial(config: TrialConfig, state: str, pictures: bool, random: np.random.Generator) -> dict[str, Any]:
    trained = state in ("done", "trained")
    row: dict[str, Any] = {
        **config_row(config),
        "key": config.key,
        "sweep": "synthetic",
        "latest": True,
        "block": "all",
        "state": state,
    }
    row |= {"attempts": 0 if state == "pending" else 1}
    row |= {"parameters_encoder": 10**6, "parameters_decoder": 10**6, "flops_per_image": 10**8, "pictures": "none"}
    row |= {"threads": 1, "attempt": "train-0001-aaaaaa"}
    if trained:
        test_bce = 0.2 + 0.9 / config.latent_size + 0.003 * random.normal()
        row |= {
            "test_bce": test_bce,
            "mean_image_bce": 0.5271,
            "final_loss": test_bce,
            "final_reconstruction": test_bce,
        }
        row |= {
            "images_train": 1500,
            "images_test": 297,
            "train_seconds": 61.5,
            "gpu_seconds": 0.0,
            "images_per_second": 900.0,
        }
        row |= {
            "device": "synthetic processor",
            "precision_used": "fp32",
            "torch_version": "0.synthetic",
            "aesweep_version": "0.synthetic",
        }
        row |= {"started": START, "ended": START + timedelta(minutes=5)}
    if state == "done" and pictures:
        row["pictures"] = f"trials/{config.key}/attempts/score-0001-{'e' * 12}-bbbbbb/samples"
    return {column.name: row.get(column.name) for column in COLUMNS["trials"]}


def _epochs(config: TrialConfig, random: np.random.Generator) -> list[dict[str, Any]]:
    floor = 0.2 + 0.9 / config.latent_size
    noise = 1 + 0.02 * random.normal(size=config.epochs)
    losses = floor + 0.45 * np.exp(-np.arange(config.epochs) / (0.15 * config.epochs)) * noise
    fixed = {
        "key": config.key,
        "learning_rate": 1e-3,
        "kl": None,
        "seconds": 2.0,
        "images_per_second": 750.0,
        "skipped_steps": 0,
        "state": "trained",
    }
    return [
        {**fixed, "epoch": i + 1, "loss": float(loss), "reconstruction": float(loss)} for i, loss in enumerate(losses)
    ]


def _scores(
    config: TrialConfig, evaluation: tuple[str, str, str], seeds: tuple[int, ...], random: np.random.Generator
) -> list[dict[str, Any]]:
    name, metric, extractor = evaluation
    fixed: dict[str, Any] = {
        "key": config.key,
        "evaluation": name,
        "metric": metric,
        "extractor": extractor,
        "stderr": None,
        "stderr_of": "unknown",
        "stderr_shared": "",
        "n_reference": 297,
    }
    fixed |= {"reference_split": "test", "reference_seed": 0, "seconds": 1.5, "note": "", "extractor_sha256": "5" * 64}
    scale = 1.0 if metric == "fid" else 0.01
    found = []
    for source, split, n in [
        ("reconstruction", "train", 1500),
        ("reconstruction", "test", 297),
        *((p, "test", 2000) for p in PRIORS),
    ]:
        for seed in seeds if source in PRIORS else (0,):
            reference = {"n_reference": 1500, "reference_split": "train"} if split == "train" else {}
            value = scale * (distance(config, source) - (9 if split == "train" else 0)) * (1 + 0.015 * random.normal())
            row = {
                **fixed,
                **reference,
                "source": source,
                "split": split,
                "value": value,
                "n": n,
                "sampling_seed": seed,
                "seed": seed,
            }
            found.append(row | deciding_columns(DEFAULTS, config.model, source, metric))
    return found


def _gaussianity(config: TrialConfig, evaluation: str) -> list[dict[str, Any]]:
    """Measures that a name and a network determine, so that tests can ask for them: `gaussianity_value`."""
    fixed: dict[str, Any] = {
        "key": config.key,
        "evaluation": evaluation,
        "source": "latents",
        "extractor": "none",
        "sampling_seed": 0,
        "seed": 0,
    }
    fixed |= {"n_reference": 0, "reference_split": "train", "seconds": 0.5, "note": "", "split": "train", "n": 1500}
    errors = {"loglikelihood_gap": 0.002, "direction_negentropy": 0.002}
    found = [
        {**fixed, "metric": name, "value": gaussianity_value(config, name), "stderr": errors.get(name)}
        for name in MEASURES
    ]
    nulls = {"mardia_kurtosis": (0.999, 0.003), "radius_ks": (0.012, 0.002), "marginal_kurtosis": (0.03, 0.004)}
    nulls |= {"loglikelihood_gap": (-0.006, 0.001), "direction_negentropy": (0.001, 0.0002)}
    for name, (mean, deviation) in nulls.items():
        found.append({**fixed, "metric": f"{name}_null", "value": mean, "stderr": deviation})
    for name in TESTED:
        found.append({**fixed, "metric": f"{name}_p", "value": 1e-9, "stderr": None})
    return [row | deciding_columns(DEFAULTS, config.model, "latents", row["metric"]) for row in found]


def gaussianity_value(config: TrialConfig, name: str) -> float:
    """An invented measure: falls to the Gaussian's as the encoder grows, faster for a VAE."""
    away = 0.4 * math.log2(512 / config.filters) / sum(config.depth) + 0.02 * math.log2(config.latent_size)
    away *= (0.3 if config.model == "vae" else 1.0) * (1 + 0.05 * config.seed)
    return away + (1.0 if name == "mardia_kurtosis" else 0.0)


def _latents(config: TrialConfig, count: int, random: np.random.Generator) -> list[dict[str, Any]]:
    covariance = [[1, 0.1], [0.1, 1]] if config.model == "vae" else [[9, 4], [4, 16]]
    points = random.multivariate_normal([0, 0] if config.model == "vae" else [2, -1], covariance, size=2 * count)
    fixed = {"key": config.key, "dimension_a": 0, "dimension_b": config.latent_size - 1}
    return [
        {**fixed, "split": "train" if i < count else "test", "index": i % count, "z_a": float(a), "z_b": float(b)}
        for i, (a, b) in enumerate(points)
    ]


def _failure(config: TrialConfig, index: int) -> dict[str, Any]:
    reason = {
        "type": "NonFiniteLossError",
        "message": "loss is nan at step 150 of epoch 2",
        "traceback": "synthetic traceback",
    }
    place = {"attempt": "train-0001-aaaaaa", "stage": "train", "node": "synthetic-node"}
    return {"key": config.key, **place, **reason, "time": START + timedelta(minutes=index)}


def _write_pictures(folder: Path, interpolation: bool) -> None:
    folder.mkdir(parents=True)
    if interpolation:
        walks = np.random.default_rng(7).integers(0, 255, (88, 32, 32, 3), dtype=np.uint8)
        (folder / "interpolation.png").write_bytes(image_grid(walks, 11))
    for i, name in enumerate(PICTURES):
        (folder / name).write_bytes(_picture(i))
    if interpolation:
        walks = np.random.default_rng(7).integers(0, 255, (88, 32, 32, 3), dtype=np.uint8)
        (folder / "interpolation.png").write_bytes(image_grid(walks, 11))


@lru_cache
def _picture(seed: int) -> bytes:
    """Coloured noise as a PNG."""
    noise = np.random.default_rng(seed).integers(0, 255, (24, 24, 3), dtype=np.uint8)
    data = io.BytesIO()
    Image.fromarray(noise).resize((264, 264), Image.Resampling.BICUBIC).save(data, "png")
    return data.getvalue()


@pytest.fixture
def make_store(tmp_path: Path) -> Callable[..., Path]:
    """`make_store(trials, **more of Synthetic)` writes a store under `tmp_path` and returns its folder."""
    counter = itertools.count()

    def make(trials: list[TrialConfig], **more: Any) -> Path:
        return write_store(tmp_path / f"store{next(counter)}", Synthetic(trials, **more))

    return make


@pytest.fixture(name="grid")
def _grid() -> Callable[..., list[TrialConfig]]:
    return grid


@pytest.fixture
def small_store(make_store: Callable[..., Path]) -> Path:
    """DAE and VAE, latent sizes 4, 8, 16, 32, 16 filters, one seed, all done."""
    return make_store(grid(model=["dae", "vae"], filters=[16], latent_size=[4, 8, 16, 32], epochs=[6]))


@pytest.fixture(name="distance")
def _distance() -> Callable[[TrialConfig, str], float]:
    return distance


@pytest.fixture
def results(make_store: Callable[..., Path]) -> Callable[..., Results]:
    """`results(trials, score)`: the results of a store of CIFAR-10 in which each score is what `score` says."""
    from tests.analysis.invented import results_of  # which takes `grid` from here

    return results_of(make_store)
