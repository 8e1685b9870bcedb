"""A whole evaluation of a small autoencoder on digits: which rows there are, and what is said where there is no score."""

import io
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.measuring import Measured
from aesweep.evaluation.metrics.feature_statistics import FeatureStatistics
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.networks.extractors import load_inception
from aesweep.evaluation.networks.weights import RANDOM_CONV_SHA256
from aesweep.evaluation.priors.fitting import FitSettings
from aesweep.evaluation.rows import ScoreRow
from aesweep.evaluation.sampling import Priors
from aesweep.evaluation.score import (
    Latents,
    Sampled,
    distance_stage,
    encode_stage,
    fit_stage,
    latent_rows,
    reference_stage,
    sample_stage,
    score_trial,
)
from aesweep.models.config import TrialConfig
from aesweep.models.data.datasets import SPLITS
from aesweep.models.data.images import ImageSet
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.sweep.tables.schemas import COLUMNS
from tests.analysis.typed import present
from tests.evaluation.conftest import ROW

CPU = torch.device("cpu")
TRIAL = TrialConfig(filters=4, latent_size=6, precision="fp32")
EVALUATION = EvaluationConfig(
    samples=70, reference_size=100, sampling_seeds=(0, 3), gmm_components=4, extractor_sha256=RANDOM_CONV_SHA256
)


@pytest.fixture(scope="module")
def images(digits: np.ndarray) -> ImageSet:
    return ImageSet(digits[:200], digits[200:290])


@pytest.fixture(scope="module")
def scored(images: ImageSet, random_conv: Extractor) -> tuple[list[ScoreRow], Sampled, Priors]:
    torch.set_num_threads(1)
    return score_trial(TRIAL, EVALUATION, build_autoencoder(TRIAL), images, random_conv, CPU, threads=1)


def test_there_is_a_row_per_reconstructed_split_and_per_prior_and_seed(scored: tuple) -> None:  # type: ignore[type-arg]
    rows = scored[0]
    assert [(row.source, row.split, row.sampling_seed, row.n, row.n_reference) for row in rows] == [
        ("reconstruction", "train", 0, 100, 100),
        ("reconstruction", "test", 0, 90, 90),
        ("standard_normal", "test", 0, 70, 90),
        ("standard_normal", "test", 3, 70, 90),
        ("mvg", "test", 0, 70, 90),
        ("mvg", "test", 3, 70, 90),
        ("gmm", "test", 0, 70, 90),
        ("gmm", "test", 3, 70, 90),
    ]
    for row in rows:
        assert row.metric == "fd"
        assert row.extractor == "random-conv-64"
        assert row.reference_split == row.split
        assert 0 < row.stderr < 0.5 * row.value
        # Latents of an untrained network are tiny, and the mixture says so.
        assert row.note == "" or (row.source == "gmm" and row.note.startswith("reg_covar 1e-06"))
        assert np.isfinite(row.value) and row.value > 0
        assert 0 < row.seconds < 60
    assert rows[2].value != rows[3].value


def test_rows_have_exactly_the_columns_of_the_table(scored: tuple) -> None:  # type: ignore[type-arg]
    assert all(set(asdict(row)) == ROW for row in scored[0])
    assert all(type(value) in (str, int, float, type(None)) for row in scored[0] for value in asdict(row).values())


def test_each_source_has_its_picture(scored: tuple, images: ImageSet) -> None:  # type: ignore[type-arg]
    pictures = scored[1].pictures
    assert sorted(pictures) == [
        "gmm.png",
        "interpolation.png",
        "mvg.png",
        "reconstruction-test.png",
        "reconstruction-train.png",
        "standard_normal.png",
    ]
    for name, png in pictures.items():
        columns = 11 if name == "interpolation.png" else 8
        assert Image.open(io.BytesIO(png)).size == (1 + 33 * columns, 265)  # 8 rows of tiles
    grid = np.asarray(Image.open(io.BytesIO(pictures["reconstruction-test.png"])))
    np.testing.assert_array_equal(grid[1:33, 1:33], images.test[0])


def test_scoring_again_gives_the_same_values(
    scored: tuple,  # type: ignore[type-arg]
    images: ImageSet,
    random_conv: Extractor,
) -> None:
    again = score_trial(TRIAL, EVALUATION, build_autoencoder(TRIAL), images, random_conv, CPU, threads=1)
    assert [row.value for row in again[0]] == [row.value for row in scored[0]]
    assert again[1].pictures == scored[1].pictures


def test_every_metric_has_its_rows_in_one_order(images: ImageSet, random_conv: Extractor) -> None:
    metrics = ("frechet", "kid", "prdc", "frechet_infinity", "reconstruction_error")
    evaluation = replace(
        EVALUATION, metrics=metrics, priors=("mvg",), sampling_seeds=(0,), samples=260, kid_subset_size=30
    )
    rows, _, _ = score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, random_conv, CPU, threads=1)
    errors = ["bce", "mse", "psnr", "ssim"]
    samples = ["fd", "kd", "precision", "recall", "density", "coverage", "fd_infinity"]
    assert [(row.source, row.split, row.metric) for row in rows] == [
        *(("reconstruction", split, metric) for split in ("train", "test") for metric in ["fd", "kd", *errors]),
        *(("mvg", "test", metric) for metric in samples),
    ]
    assert all(np.isfinite(present(row.value)) and 0 <= row.seconds < 60 for row in rows)
    assert all(set(asdict(row)) == ROW for row in rows)
    for row in rows:
        expected = ("none", 0) if row.metric in errors else ("random-conv-64", 100 if row.split == "train" else 90)
        assert (row.extractor, row.n_reference) == expected
        assert (row.stderr is None) == (row.metric in samples[2:6])
        counted = (
            {"none", "images"} if row.metric in [*errors, *samples[2:6]] else {"images with their reconstructions"}
        )
        parts = np.array(row.stderr_shared.split(), dtype=float)
        assert len(parts) == (16 if row.metric in ("fd", "fd_infinity") else 0)
        assert float(parts @ parts) <= 1.01 * (row.stderr or 0.0) ** 2
        assert row.stderr_of in (counted if row.source == "reconstruction" else {"none", "samples and reference"})
    assert [row.note for row in rows if row.metric == "kd"] == [""] * 3


@pytest.mark.slow
def test_the_inception_score_stands_beside_the_distances_of_its_network(images: ImageSet, tmp_path: Path) -> None:
    from tests.evaluation.networks.random_inception import hash_and_size, write_random_inception

    path = write_random_inception(tmp_path / "inception.pth")
    sha256, size = hash_and_size(path)
    extractor = load_inception(path, sha256, size, device=CPU)
    metrics = ("frechet", "inception_score")
    evaluation = EvaluationConfig(
        extractor="inception-2015",
        extractor_sha256=sha256,
        samples=20,
        reference_size=10,
        priors=("standard_normal",),
        metrics=metrics,
    )
    rows, _, _ = score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, extractor, CPU, threads=1)
    named = [(row.source, row.metric, row.n, row.n_reference) for row in rows]
    assert named == [
        ("reconstruction", "fd", 10, 10),  # other weights than the real ones: no fid
        ("reconstruction", "fd", 10, 10),
        ("standard_normal", "fd", 20, 10),
        ("standard_normal", "inception_score", 20, 0),
    ]
    assert present(rows[-1].value) >= 1 and present(rows[-1].stderr) >= 0
    assert all(present(row.stderr) > 0 for row in rows[:3])


def test_more_metrics_leave_the_distances_as_they_are(
    scored: tuple,  # type: ignore[type-arg]
    images: ImageSet,
    random_conv: Extractor,
) -> None:
    evaluation = replace(EVALUATION, metrics=("frechet", "kid", "prdc", "reconstruction_error"), bootstrap=10)
    rows, _, _ = score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, random_conv, CPU, threads=1)
    distances = [row for row in rows if row.metric == "fd"]
    assert [row.value for row in distances] == [row.value for row in scored[0]]
    for row, plain in zip(distances, scored[0], strict=True):  # pairs are not resampled
        assert (row.stderr == plain.stderr) == (row.source == "reconstruction")


def test_what_a_set_is_too_small_for_is_null_and_says_so(images: ImageSet, random_conv: Extractor) -> None:
    metrics = ("frechet", "kid", "prdc", "frechet_infinity")
    evaluation = replace(EVALUATION, metrics=metrics, priors=("standard_normal",), sampling_seeds=(0,), samples=5)
    rows, _, _ = score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, random_conv, CPU, threads=1)
    samples = {row.metric: row for row in rows if row.source == "standard_normal"}
    assert present(samples["fd"].value) > 0 and present(samples["fd"].stderr) > 0
    assert samples["kd"].note == "subsets of 2 images, half of all"
    assert samples["fd"].stderr_shared and samples["fd_infinity"].stderr_shared == ""
    for metric in ("precision", "recall", "density", "coverage", "fd_infinity"):
        assert samples[metric].value is None
        assert "need" in samples[metric].note


def test_metrics_without_features_need_no_extractor(images: ImageSet) -> None:
    evaluation = replace(EVALUATION, metrics=("reconstruction_error",))
    rows, sampled, _ = score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, None, CPU)
    assert [row.metric for row in rows] == ["bce", "mse", "psnr", "ssim"] * 2
    assert "mvg.png" in sampled.pictures


def test_metrics_of_samples_alone_need_only_the_images_that_samples_are_compared_with(
    images: ImageSet, random_conv: Extractor
) -> None:
    evaluation = replace(EVALUATION, metrics=("prdc", "inception_score"))
    assert evaluation.reference_splits == ("test",)
    evaluation = replace(EVALUATION, metrics=("prdc",), sampling_seeds=(0,))
    rows, sampled, _ = score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, random_conv, CPU, threads=1)
    assert {row.source for row in rows} == {"standard_normal", "mvg", "gmm"}
    assert {"reconstruction-train.png", "reconstruction-test.png"} <= set(sampled.pictures)


def test_one_latent_that_is_not_a_number_costs_its_own_scores_alone(images: ImageSet, random_conv: Extractor) -> None:
    model = build_autoencoder(TRIAL)
    latents = encode_stage(TRIAL, EVALUATION, model, images, CPU, "fp32")
    latents.train[-1, 2] = np.nan
    priors = fit_stage(EVALUATION, latents).priors
    references = {split: reference_stage(EVALUATION, images, split, random_conv) for split in SPLITS}
    sampled = sample_stage(
        TRIAL,
        replace(EVALUATION, reference_size=200),
        model,
        latents,
        priors,
        images,
        random_conv,
        references,
        CPU,
        "fp32",
    )
    rows = distance_stage(EVALUATION, sampled, references)
    found = {(row.source, row.split): row for row in rows}
    assert found["reconstruction", "train"].value is None
    assert "not numbers" in found["reconstruction", "train"].note
    assert "1 of 200 latents" in found["mvg", "test"].note
    assert present(found["reconstruction", "test"].value) > 0 and present(found["standard_normal", "test"].value) > 0
    assert "reconstruction-train.png" not in sampled.pictures and "reconstruction-test.png" in sampled.pictures
    for trial in (replace(TRIAL, seed=seed) for seed in range(6)):
        shown = latent_rows(trial, latents)
        assert all(np.isfinite([row.z_a, row.z_b]).all() for row in shown)
        bad = 2 in (shown[0].dimension_a, shown[0].dimension_b)
        assert [row.index for row in shown if row.split == "train"] == list(range(200 - bad))


def test_real_images_against_themselves_score_zero(images: ImageSet, random_conv: Extractor) -> None:
    reference = reference_stage(EVALUATION, images, "test", random_conv)
    same = reference_stage(EVALUATION, images, "test", random_conv)
    sampled = Sampled([_measured(same.statistics)])
    (row,) = distance_stage(EVALUATION, sampled, {"test": reference})
    assert row.value == pytest.approx(0, abs=1e-6 * reference.statistics.trace)


def test_a_prior_that_failed_is_a_row_without_a_value_and_with_the_reason(
    images: ImageSet, random_conv: Extractor
) -> None:
    small = ImageSet(images.train[:3], images.test)  # 3 points for 4 components, rank 2 for 6 latents
    rows, sampled, priors = score_trial(TRIAL, EVALUATION, build_autoencoder(TRIAL), small, random_conv, CPU)
    reason = "4 components need as many different latents, there are 3"
    assert priors["gmm"] == reason
    failed = [row for row in rows if row.source == "gmm"]
    assert [(row.value, row.n, row.note, row.sampling_seed) for row in failed] == [
        (None, 0, reason, 0),
        (None, 0, reason, 3),
    ]
    assert all(row.n_reference == 90 and row.extractor == "random-conv-64" for row in failed)
    assert "gmm.png" not in sampled.pictures
    mvg = [row for row in rows if row.source == "mvg"]
    assert all(present(row.value) > 0 and "rank 2 of 6" in row.note for row in mvg)


def test_a_decoder_that_gives_no_numbers_has_no_score(images: ImageSet, random_conv: Extractor) -> None:
    model = build_autoencoder(TRIAL)
    with torch.no_grad():
        model.decoder.last.weight[0, 0, 0, 0] = torch.nan
    rows, sampled, _ = score_trial(TRIAL, EVALUATION, model, images, random_conv, CPU)
    assert all(row.value is None and "not numbers" in row.note for row in rows)
    assert len(rows) == 8
    assert sampled.pictures == {}


def test_one_real_image_makes_no_reference(images: ImageSet, random_conv: Extractor) -> None:
    rows, _, _ = score_trial(
        TRIAL, EVALUATION, build_autoencoder(TRIAL), ImageSet(images.train, images.test[:1]), random_conv, CPU
    )
    assert [row.value is None for row in rows] == [False] + [True] * 7
    assert all("needs 2 images" in row.note and row.n_reference == 1 for row in rows[1:])


def test_samples_can_be_compared_with_the_training_images(images: ImageSet, random_conv: Extractor) -> None:
    evaluation = replace(EVALUATION, reference_split="train", priors=("mvg",), sampling_seeds=(0,))
    rows, _, _ = score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, random_conv, CPU)
    assert [(row.source, row.split, row.n_reference) for row in rows] == [
        ("reconstruction", "train", 100),
        ("reconstruction", "test", 90),
        ("mvg", "train", 100),
    ]


def test_stages_through_files_give_the_same_rows_as_one_call(
    scored: tuple,  # type: ignore[type-arg]
    images: ImageSet,
    random_conv: Extractor,
) -> None:
    model = build_autoencoder(TRIAL)
    latents = Latents.from_bytes(encode_stage(TRIAL, EVALUATION, model, images, CPU, "fp32").to_bytes())
    assert latents.train.shape == (200, 6)
    priors = {
        name: prior if isinstance(prior, str) else type(prior).from_bytes(prior.to_bytes(), 6)
        for name, prior in fit_stage(EVALUATION, latents, FitSettings(60.0, 1)).priors.items()
    }
    references = {split: reference_stage(EVALUATION, images, split, random_conv) for split in SPLITS}
    sampled = sample_stage(TRIAL, EVALUATION, model, latents, priors, images, random_conv, references, CPU, "fp32")
    rows = distance_stage(EVALUATION, sampled, references)
    assert [row.value for row in rows] == [row.value for row in scored[0]]


def test_reconstructions_of_a_vae_decode_the_mean_also_where_priors_are_fitted_on_samples(
    images: ImageSet, random_conv: Extractor
) -> None:
    trial = replace(TRIAL, model="vae")
    values = {}
    for kind in ("mean", "sample"):
        evaluation = replace(EVALUATION, vae_latents=kind, priors=("mvg",), sampling_seeds=(0,))
        rows, _, _ = score_trial(trial, evaluation, build_autoencoder(trial), images, random_conv, CPU, threads=1)
        values[kind] = [row.value for row in rows]
    assert values["mean"][:2] == pytest.approx(values["sample"][:2], rel=1e-6)
    assert values["mean"][2] != pytest.approx(values["sample"][2], rel=1e-6)


def test_an_extractor_other_than_the_evaluations_is_refused(images: ImageSet, random_conv: Extractor) -> None:
    for evaluation in (
        replace(EVALUATION, extractor="inception-2015", extractor_sha256=""),
        replace(EVALUATION, extractor_sha256="0" * 64),
    ):
        with pytest.raises(ValueError, match="the extractor is random-conv-64"):
            score_trial(TRIAL, evaluation, build_autoencoder(TRIAL), images, random_conv, CPU)


def test_latent_rows_show_two_seeded_dimensions_of_both_splits() -> None:
    generator = np.random.default_rng(0)
    latents = Latents(generator.normal(size=(1500, 20)).astype(np.float32), generator.normal(size=(300, 20)))
    rows = latent_rows(TRIAL, latents)
    assert {row.split for row in rows[:1000]} == {"train"}
    assert len(rows) == 1300
    a, b = rows[0].dimension_a, rows[0].dimension_b
    assert 0 <= a < b < 20
    assert {(row.dimension_a, row.dimension_b) for row in rows} == {(a, b)}
    assert len({(row.split, row.index) for row in rows}) == 1300
    for row in rows[::97]:
        z = getattr(latents, row.split)[row.index]
        assert (row.z_a, row.z_b) == (z[a], z[b])
    assert set(asdict(rows[0])) == {column.name for column in COLUMNS["latents"]} - {"key"}
    assert rows == latent_rows(TRIAL, latents)
    dimensions = {latent_rows(replace(TRIAL, seed=s), latents, 1)[0].dimension_a for s in range(8)}
    assert len(dimensions) > 1


def test_a_single_latent_is_drawn_against_itself() -> None:
    latents = Latents(np.zeros((5, 1), np.float32), np.zeros((5, 1), np.float32))
    assert {(row.dimension_a, row.dimension_b) for row in latent_rows(TRIAL, latents)} == {(0, 0)}


def _measured(statistics: FeatureStatistics) -> Measured:
    row = ScoreRow(
        source="reconstruction",
        split="test",
        metric="fd",
        value=None,
        n=statistics.n,
        reference_split="test",
        sampling_seed=0,
    )
    return Measured(row, statistics)
