"""A trial is its content: keys that never change, and errors that name the field."""

import re
from dataclasses import fields, replace
from typing import Any

import pytest

from aesweep.models.config import KEY_FIELDS, TrialConfig
from aesweep.models.config_checks import CHOICES
from aesweep.models.errors import InputError
from aesweep.models.identity import stream_seed

# Golden keys of key_version 1: a change here orphans every stored result.
GOLDEN = {
    "digits": (TrialConfig(), "ea8097e6a2bd"),
    "paper": (TrialConfig(dataset="cifar10", bn_momentum=0.01), "b8aec9191ffc"),
    "celeba vae": (TrialConfig(dataset="celeba", image_size=64, model="vae", latent_size=64, seed=3), "f2fb301f24d0"),
    "deep": (TrialConfig(dataset="cifar10", depth=(3, 3, 2, 1), latent_size=96, noise_std=0.5), "67b48fcd6a78"),
}


@pytest.mark.parametrize(("config", "key"), GOLDEN.values(), ids=GOLDEN)
def test_keys_never_change(config: TrialConfig, key: str) -> None:
    assert config.key == key
    assert config.name.endswith(key)


def test_every_field_decides_the_key() -> None:
    others = {
        "model": "vae",
        "filters": 64,
        "depth": (2, 1, 1, 1),
        "latent_norm": "batch",
        "noise_std": 0.1,
        "freeze_latent": True,
        "bn_momentum": 0.01,
        "beta": 0.02,
        "reduction": "sum",
        "epochs": 99,
        "seed": 1,
        "precision": "fp32",
    }
    changed = [replace(TrialConfig(), **{name: value}) for name, value in others.items()]  # type: ignore[arg-type]
    assert len({config.key for config in (TrialConfig(), *changed)}) == len(changed) + 1
    assert len(KEY_FIELDS) == 26


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({}, "digits-dae-f128-d1-z128-s0"),
        ({"model": "vae", "beta": 0.5}, "digits-vae-f128-d1-z128-beta0.5-s0"),
        ({"latent_norm": "batch", "noise_std": 0.1, "seed": 3}, "digits-dae-f128-d1-z128-batch-noise0.1-s3"),
        ({"noise_std": 0.1, "noise_position": "image"}, "digits-dae-f128-d1-z128-noise0.1-on_image-s0"),
        ({"learning_rates": (3e-3, 1e-4), "learning_rate_drops": (0.5,)}, "digits-dae-f128-d1-z128-lr0.003-0.0001-drops0.5-s0"),
        ({"decoder_first_map": "8f", "conv_norm": False}, "digits-dae-f128-d1-z128-no_batch_norm-map8f-s0"),
        ({"dataset": "folder", "data_identity": "ab" * 32, "epochs": 5}, "folder-dae-f128-d1-z128-abababab-e5-s0"),
    ],
)  # fmt: skip
def test_a_name_has_words_for_all_that_is_not_the_default(changed: dict[str, Any], words: str) -> None:
    config = replace(TrialConfig(), **changed)
    assert config.name == f"{words}-{config.key}"
    assert re.fullmatch("[A-Za-z0-9._+-]+", config.name), "it may be the name of a folder"


def test_no_field_is_left_out_of_the_name() -> None:
    """Whatever field differs, the words before the key do too, those of fields that come later included."""
    other: dict[str, Any] = {
        "dataset": "celeba", "image_size": 64, "resize": "lanczos", "depth": (1, 1, 1, 2), "noise_position": "image",
        "learning_rates": (1e-3, 1e-4, 1e-6), "learning_rate_drops": (0.3, 0.6), "conv_norm": False, "freeze_latent": True,
        "model": "vae", "reconstruction": "mse", "architecture": "resnet", "channels": 1,
    }  # fmt: skip
    for field in fields(TrialConfig):
        if field.name in ("data_identity", "data_label", "parameters", "plugin_versions"):  # of a folder, or a plug-in
            continue
        value: Any = field.default
        choice = next((one for one in CHOICES.get(field.name, ()) if one != value), None)
        changed = other.get(field.name, choice)
        if changed is None:
            changed = value + 1 if isinstance(value, int) else value + 1e-9
        given: dict[str, Any] = {field.name: changed}
        one = replace(TrialConfig(), **given)
        assert one.name.removesuffix(one.key) != TrialConfig().name.removesuffix(TrialConfig().key), field.name


def test_equal_content_has_one_key_however_it_was_written() -> None:
    assert TrialConfig(depth=2).key == TrialConfig(depth=[2, 2, 2, 2]).key  # type: ignore[arg-type]
    assert TrialConfig(noise_std=1).key == TrialConfig(noise_std=1.0).key
    config = TrialConfig(depth=(3, 3, 2, 1), model="dae", seed=7)
    assert TrialConfig(**config.to_json()) == config


def test_another_seed_of_a_trial_is_the_trial_that_asks_for_it() -> None:
    first = TrialConfig(filters=16, latent_size=7, seed=1)
    assert first.key  # it is remembered, and must not be taken along
    other = first.with_seed(2)
    asked = TrialConfig(filters=16, latent_size=7, seed=2)
    assert (other, other.key, other.name) == (asked, asked.key, asked.name)
    assert first == TrialConfig(filters=16, latent_size=7, seed=1)


@pytest.mark.parametrize("seed", [-1, 2**32, 1.0, True, "1", None])
def test_another_seed_is_checked_like_the_first(seed: Any) -> None:
    with pytest.raises(InputError) as caught:
        TrialConfig().with_seed(seed)
    assert caught.value.field == "seed"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("dataset", "mnist"),
        ("model", "gan"),
        ("filters", 0),
        ("filters", 1.5),
        ("latent_size", -1),
        ("latent_norm", "group"),
        ("depth", 0),
        ("depth", (1, 2)),
        ("image_size", 48),
        ("noise_std", -0.1),
        ("noise_std", float("nan")),
        ("beta", float("inf")),
        ("bn_momentum", 0.0),
        ("seed", -1),
        ("seed", True),
        ("epochs", 0),
        ("batch_size", 0),
        ("learning_rates", ()),
        ("learning_rate_drops", (0.66, 0.33)),
        ("learning_rate_drops", (0.5,)),
        ("warmup_epochs", -1),
        ("warmup_epochs", False),
        ("warmup_epochs", 0.0),
        ("warmup_learning_rate", -1.0),
    ],
)
def test_a_value_that_cannot_be_trained_is_refused_by_name(field: str, value: Any) -> None:
    with pytest.raises(InputError) as caught:
        TrialConfig(**{field: value})
    assert caught.value.field == field
    assert str(caught.value).count("\n") == 1


def test_a_batch_of_one_image_has_no_variance_to_normalise_latents_by() -> None:
    with pytest.raises(InputError, match="batch_size: 1 cannot be used"):
        TrialConfig(batch_size=1, latent_norm="batch")
    assert TrialConfig(batch_size=1, latent_norm="layer").batch_size == 1


@pytest.mark.parametrize(("field", "value"), [("latent_norm", "batch"), ("noise_std", 0.5), ("freeze_latent", True)])
def test_a_vae_takes_no_latent_norm_noise_or_freezing(field: str, value: Any) -> None:
    with pytest.raises(InputError, match="VAE"):
        TrialConfig(model="vae", **{field: value})


def test_random_streams_of_different_names_differ() -> None:
    seeds = {stream_seed(name, seed, epoch) for name in ("order", "noise") for seed in range(3) for epoch in range(3)}
    assert len(seeds) == 18
    assert stream_seed("weights", 0) == int("42e30de724acba9", 16)
