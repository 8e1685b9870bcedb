import pickle
from dataclasses import replace

import numpy as np
import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.deciding_fields import deciding_columns
from aesweep.evaluation.draws import reference_indices
from aesweep.evaluation.metrics.precision_recall import prdc
from aesweep.evaluation.networks.extractor import Extractor
from aesweep.evaluation.reference import features_from_bytes, features_to_bytes, measure_reference, reference_name
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.store.layout import extractor_name


def test_a_draw_has_no_repetition_and_is_in_rising_order() -> None:
    indices = reference_indices(50_000, 10_000, seed=0)
    assert len(indices) == 10_000
    assert (np.diff(indices) > 0).all()
    assert indices[0] >= 0 and indices[-1] < 50_000
    assert abs(indices.mean() - 25_000) < 500


def test_a_draw_is_decided_by_its_seed() -> None:
    np.testing.assert_array_equal(reference_indices(1000, 100, seed=5), reference_indices(1000, 100, seed=5))
    assert not np.array_equal(reference_indices(1000, 100, seed=5), reference_indices(1000, 100, seed=6))
    # Pinned: references that lie in stores were drawn like this.
    assert reference_indices(1000, 5, seed=0).tolist() == [11, 269, 850, 855, 921]


def test_a_split_with_fewer_images_gives_all_it_has() -> None:
    assert reference_indices(297, 10_000, seed=3).tolist() == list(range(297))
    assert reference_indices(297, 297, seed=3).tolist() == list(range(297))


def test_the_name_tells_apart_whatever_changes_the_statistics() -> None:
    trial = TrialConfig(dataset="cifar10")
    evaluation = EvaluationConfig(extractor_sha256="0123456789abcdef", reference_seed=4)
    name = reference_name(trial, evaluation, "test", 10_000)
    assert name == "cifar10-32-test-n10000-s4-random-conv-64-01234567.npz"
    others = [
        reference_name(TrialConfig(dataset="digits"), evaluation, "test", 10_000),
        reference_name(TrialConfig(dataset="cifar10", image_size=64), evaluation, "test", 10_000),
        reference_name(trial, evaluation, "train", 10_000),
        reference_name(trial, evaluation, "test", 9_999),
        reference_name(trial, EvaluationConfig(extractor_sha256="0123456789abcdef"), "test", 10_000),
        reference_name(trial, EvaluationConfig(extractor_sha256="f" * 64, reference_seed=4), "test", 10_000),
    ]
    assert len({name, *others}) == 7
    # What the trained network is does not matter to the real images.
    assert reference_name(TrialConfig(dataset="cifar10", filters=64, seed=3), evaluation, "test", 10_000) == name


def test_two_versions_of_an_extractor_share_no_file() -> None:
    recorded = [("extractor mine 1.0",), ("extractor mine 1.1",)]
    asked = [EvaluationConfig(extractor="mine", extractor_sha256="a" * 64, plugin_versions=one) for one in recorded]
    trial = TrialConfig()
    assert reference_name(trial, asked[0], "test", 10) == "digits-32-test-n10-s0-mine-1.0-aaaaaaaa.npz"
    weights = [extractor_name(trial, one.extractor_label, one.extractor_sha256) for one in asked]
    assert len({reference_name(trial, asked[1], "test", 10), weights[0], weights[1]}) == 3
    places = [deciding_columns(one.to_json(), "dae", "mvg", "fd", "mine")["changed_settings"] for one in asked]
    assert places == ["version of mine 1.0", "version of mine 1.1"]


def test_a_prior_and_a_metric_of_one_name_keep_their_versions_apart() -> None:
    uses = ("metric mine 2.0", "prior mine 1.0")
    asked = EvaluationConfig(priors=("mine",), metrics=("frechet", "mine"), plugin_versions=uses)
    known = asked.to_json()
    said = [
        deciding_columns(known, "dae", source, metric)["changed_settings"]
        for source, metric in (("mine", "fd"), ("mvg", "mine"))
    ]
    assert said == ["version of mine 1.0", "version of mine 2.0"]
    with pytest.raises(InputError, match="A prior and a metric have this name"):
        replace(asked, options={"mine": {"a": 1}})  # type: ignore[arg-type]


def test_statistics_are_those_of_the_chosen_images(digits: np.ndarray, random_conv: Extractor) -> None:
    indices = np.arange(0, 1797, 13)
    reference = measure_reference(digits, indices, random_conv)
    statistics = reference.statistics
    features = random_conv.features(digits[indices]).double().numpy()
    assert statistics.n == len(indices)
    np.testing.assert_allclose(statistics.mean, features.mean(0), rtol=1e-6)
    np.testing.assert_allclose(statistics.covariance, np.cov(features, rowvar=False), rtol=1e-4, atol=1e-5)
    assert b"root" in statistics.to_bytes()
    assert reference.n == len(indices)


def test_features_of_the_single_images_are_kept(digits: np.ndarray, random_conv: Extractor) -> None:
    reference = measure_reference(digits, np.arange(0, 1797, 13), random_conv)
    np.testing.assert_array_equal(reference.features, random_conv.features(digits[::13]).numpy())
    again = features_from_bytes(features_to_bytes(reference.features), reference.n, 64)
    np.testing.assert_array_equal(again, reference.features)


def test_balls_around_real_images_are_measured_once_and_stay_behind_when_a_reference_travels(
    digits: np.ndarray, random_conv: Extractor
) -> None:
    reference = measure_reference(digits, np.arange(0, 1797, 13), random_conv)
    features, found = reference.on(random_conv.device), reference.radii(random_conv.device, 5)
    assert reference.radii(random_conv.device, 5) is found
    sample = random_conv.features(digits[5:200])
    assert prdc(sample, features, 5, found) == prdc(sample, features, 5)
    assert len(pickle.dumps(reference)) < 1.1 * len(pickle.dumps((reference.statistics, reference.features)))


@pytest.mark.parametrize("damage", ["cut", "other images", "not finite"])
def test_damaged_features_are_refused(damage: str) -> None:
    features = np.zeros((10, 4), np.float32)
    if damage == "not finite":
        features[3, 2] = np.nan
    data = features_to_bytes(features[:9] if damage == "other images" else features)
    with pytest.raises(ValueError, match="damaged features"):
        features_from_bytes(data[:-5] if damage == "cut" else data, 10, 4)
