"""The readable name of a trial: words for all fields that are not the default, its seed, and its key.

`cifar10-dae-f128-d1-z128-frozen-lr0.003-0.001-s0-3fa9c2e1b0d4`. Two trials with different fields have different words. The
words are made of letters, digits, `.`, `_`, `+` and `-`, so that a name can be a folder's.
"""

import re
from dataclasses import Field, fields
from functools import cache
from typing import Any

_ALWAYS = {"dataset", "data_label", "model", "filters", "depth", "latent_size", "seed"}
"""Fields whose words every name has."""
_WORDS = {
    "data_identity": "{}",
    "image_size": "px{}",
    "resize": "{}",
    "latent_norm": "{}",
    "noise_std": "noise{}",
    "noise_position": "on_{}",
    "freeze_latent": "frozen",
    "conv_norm": "no_batch_norm",
    "bn_momentum": "momentum{}",
    "decoder_first_map": "map{}",
    "decoder_first_activation": "map_{}",
    "decoder_depth": "{}",
    "beta": "beta{}",
    "reduction": "{}",
    "epochs": "e{}",
    "batch_size": "b{}",
    "learning_rates": "lr{}",
    "learning_rate_drops": "drops{}",
    "warmup_epochs": "warmup{}",
    "warmup_learning_rate": "warmup_lr{}",
    "precision": "{}",
    "reconstruction": "{}",
    "parameters": "{}",
    "plugin_versions": "{}",
    "architecture": "{}",
    "channels": "grey",
}
"""What a value that is not the default becomes, in the order of a name; fields that are not here follow with their names."""
NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")
"""What a name has `_` for."""
_IDENTITY_DIGITS = 8


def trial_name(config: Any) -> str:
    """The name of a `TrialConfig`."""
    always = [
        config.data_label or config.dataset,
        config.model,
        f"f{config.filters}",
        f"d{config.depth_text}",
        f"z{config.latent_size}",
    ]
    words = [word for field in _others(config.__class__) if (word := _word(config, field))]
    return "-".join([*always, *words, f"s{config.seed}", config.key])


@cache
def _others(kind: type) -> "tuple[Field[Any], ...]":
    """The fields that only some names have words for, in the order of a name."""
    order = {name: place for place, name in enumerate(_WORDS)}
    others = [field for field in fields(kind) if field.name not in _ALWAYS]
    return tuple(sorted(others, key=lambda field: order.get(field.name, len(order))))


def _word(config: Any, field: "Field[Any]") -> str:
    """The word of a field; "" where it has its default."""
    value = getattr(config, field.name)
    if value == field.default or (field.name == "data_identity" and config.data_label):
        return ""
    text = value[:_IDENTITY_DIGITS] if field.name == "data_identity" else text_of(value)
    return NOT_IN_NAMES.sub("_", _WORDS.get(field.name, f"{field.name}_{{}}").format(text))


def text_of(value: object) -> str:
    """The value of a field in a name."""
    if isinstance(value, tuple):
        return "-".join(map(text_of, value)) or "none"
    return f"{value:.12g}" if isinstance(value, float) else str(value)
