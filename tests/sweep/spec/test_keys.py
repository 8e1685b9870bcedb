"""Keys name results for years: they must not move when the code does."""

from dataclasses import dataclass, fields, replace
from typing import Any

import pytest

from aesweep.evaluation.config import ID_FIELDS, OLD_NAMES, EvaluationConfig, with_new_names, with_stored_names
from aesweep.models.config import KEY_FIELDS, KEY_VERSION, TrialConfig
from aesweep.models.identity import content_hash, identity_fields

IDENTITY = "0123456789abcdef" * 4

# Never edit a literal here: a store written by an earlier version would lose its results.
GOLDEN_KEYS: list[tuple[dict[str, Any], str]] = [
    ({}, "ea8097e6a2bd"),
    ({"dataset": "cifar10", "filters": 32, "latent_size": 160, "bn_momentum": 0.01}, "17b2b2c45d17"),
    (
        {"dataset": "cifar10", "filters": 128, "depth": (3, 3, 2, 1), "latent_size": 96, "bn_momentum": 0.01},
        "23f855b8507e",
    ),
    ({"dataset": "cifar10", "latent_norm": "spectral", "noise_std": 0.5, "noise_position": "image"}, "4463c2726245"),
    ({"dataset": "cifar10", "depth": 2, "freeze_latent": True, "seed": 2}, "4cb48a882df3"),
    ({"dataset": "celeba", "image_size": 64, "model": "vae", "latent_size": 768, "resize": "lanczos"}, "163d3b489815"),
    (
        {"model": "vae", "beta": 1, "reduction": "sum", "epochs": 5, "batch_size": 64, "precision": "fp32"},
        "9f9f91a41049",
    ),
    (
        {
            "dataset": "folder",
            "data_identity": IDENTITY,
            "learning_rates": [1e-3],
            "learning_rate_drops": [],
            "conv_norm": False,
        },
        "41edca979137",
    ),
]
GOLDEN_IDS: list[tuple[dict[str, Any], str]] = [
    ({}, "e80f39fc4c9e"),
    ({"extractor": "inception-2015", "extractor_sha256": "6726825d"}, "dc386094040a"),
    ({"samples": 2000, "seeds": [0, 1, 2], "priors": ["mvg"]}, "92bf3e1428ae"),
    ({"reference_split": "train", "vae_latents": "sample", "gmm_components": 5}, "f8a99534d05a"),
]

OTHER_VALUES: dict[str, Any] = {
    "data_identity": "f" * 64,
    "image_size": 64,
    "resize": "lanczos",
    "model": "vae",
    "filters": 64,
    "depth": (1, 1, 1, 2),
    "latent_size": 64,
    "latent_norm": "batch",
    "noise_std": 0.1,
    "noise_position": "image",
    "freeze_latent": True,
    "conv_norm": False,
    "bn_momentum": 0.2,
    "decoder_first_map": "8f",
    "decoder_first_activation": "relu",
    "beta": 0.02,
    "reduction": "sum",
    "epochs": 99,
    "batch_size": 127,
    "learning_rates": (1e-3, 1e-4, 1e-6),
    "learning_rate_drops": (0.33, 0.67),
    "warmup_epochs": 2,
    "warmup_learning_rate": 1e-5,
    "seed": 1,
    "precision": "fp32",
}


@pytest.mark.parametrize(("settings", "key"), GOLDEN_KEYS)
def test_a_trial_keeps_the_key_that_it_had_in_the_first_release(settings: dict[str, Any], key: str) -> None:
    assert TrialConfig(**settings).key == key
    assert TrialConfig(**settings).name.endswith(f"-{key}")


@pytest.mark.parametrize(("settings", "identity"), GOLDEN_IDS)
def test_a_way_of_scoring_keeps_the_id_that_it_had_in_the_first_release(
    settings: dict[str, Any], identity: str
) -> None:
    assert EvaluationConfig(**settings).id == identity


def test_a_field_added_later_changes_no_key_until_it_is_used() -> None:
    @dataclass(frozen=True, kw_only=True)
    class LaterConfig(TrialConfig):
        dropout: float = 0.0

    for settings, key in GOLDEN_KEYS:
        assert LaterConfig(**settings).key == key
    assert LaterConfig(dropout=0.1).key != LaterConfig().key
    assert LaterConfig(dropout=0.1).key != LaterConfig(dropout=0.2).key


def test_the_depth_of_the_decoder_enters_the_key_only_where_it_is_changed() -> None:
    deep = TrialConfig(dataset="cifar10", depth=(3, 3, 2, 1), latent_size=96, noise_std=0.5)
    assert replace(deep, decoder_depth="by_width").key == deep.key == "67b48fcd6a78"
    assert (
        len({deep.key, replace(deep, decoder_depth="mirrored").key, replace(deep, decoder_depth="in_order").key}) == 3
    )


def test_a_field_added_later_changes_no_evaluation_id_until_it_is_used() -> None:
    @dataclass(frozen=True, kw_only=True)
    class LaterConfig(EvaluationConfig):
        blur: float = 0.0

    for settings, identity in GOLDEN_IDS:
        assert LaterConfig(**with_new_names(settings)).id == identity
    assert LaterConfig(blur=1.0).id != LaterConfig().id


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"noise_std": 1}, {"noise_std": 1.0}),
        ({"noise_std": -0.0}, {"noise_std": 0}),
        ({"beta": 1}, {"beta": 1.0}),
        ({"depth": 2}, {"depth": (2, 2, 2, 2)}),
        ({"depth": [3, 3, 2, 1]}, {"depth": (3, 3, 2, 1)}),
        ({"learning_rates": [1, 1e-4, 1e-5]}, {"learning_rates": (1.0, 0.0001, 0.00001)}),
        ({"learning_rate_drops": [0.2, 0.5]}, {"learning_rate_drops": (0.2, 0.5)}),
    ],
)
def test_two_spellings_of_one_trial_have_one_key(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert TrialConfig(**one) == TrialConfig(**other)
    assert TrialConfig(**one).key == TrialConfig(**other).key


def test_two_spellings_of_one_evaluation_have_one_id() -> None:
    assert EvaluationConfig(gmm_tol=1).id == EvaluationConfig(gmm_tol=1.0).id
    lists: dict[str, Any] = {"sampling_seeds": [0, 1], "priors": ["gmm", "mvg"]}
    assert EvaluationConfig(sampling_seeds=lists["sampling_seeds"]).id == EvaluationConfig(sampling_seeds=(0, 1)).id
    assert EvaluationConfig(priors=lists["priors"]).id == EvaluationConfig(priors=("mvg", "gmm")).id


def test_every_field_of_the_first_key_version_exists_and_changes_the_key() -> None:
    assert set(KEY_FIELDS) <= {field.name for field in fields(TrialConfig)}
    base = TrialConfig(dataset="folder", data_identity=IDENTITY)
    keys = {name: replace(base, **{name: value}).key for name, value in OTHER_VALUES.items()}
    keys["dataset"] = replace(base, dataset="cifar10", data_identity="").key
    assert set(keys) == set(KEY_FIELDS)
    assert base.key not in keys.values()
    assert len(set(keys.values())) == len(keys)


def test_every_field_of_the_first_evaluation_version_enters_the_id() -> None:
    names = {OLD_NAMES.get(name, name) for name in ID_FIELDS}
    assert names <= {field.name for field in fields(EvaluationConfig)}
    assert set(with_stored_names(identity_fields(EvaluationConfig(), names))) == set(ID_FIELDS)


def test_the_key_is_the_hash_of_the_documented_json() -> None:
    trial = TrialConfig()
    content = {"key_version": KEY_VERSION, **{name: getattr(trial, name) for name in KEY_FIELDS}}
    assert trial.key == content_hash(content)


def test_a_trial_survives_its_json() -> None:
    for settings, _ in GOLDEN_KEYS:
        trial = TrialConfig(**settings)
        assert TrialConfig(**trial.to_json()) == trial
