"""The readable name of an evaluation: its network, samples, all settings that are not the default, and its id.

`random-conv-64-n2000-seeds0-1-3fa9c2e1b0d4`. Like a trial's name it is made of letters, digits, `.`, `_`, `+` and `-`.
"""

from dataclasses import fields
from typing import Any

from aesweep.models.trial_name import NOT_IN_NAMES, text_of

_WORDS = {
    "metrics": "{}",
    "priors": "priors_{}",
    "sampling_seeds": "seeds{}",
    "reference_split": "of_{}",
    "reference_size": "r{}",
    "gmm_components": "k{}",
    "vae_latents": "latents_{}",
}
"""What a value that is not the default becomes; fields that are not here follow their names."""
_ALWAYS = ("extractor", "extractor_sha256", "samples")


def evaluation_name(config: Any) -> str:
    """The name of an `EvaluationConfig`."""
    changed = [f for f in fields(config) if f.name not in _ALWAYS and getattr(config, f.name) != f.default]
    order = {name: place for place, name in enumerate(_WORDS)}
    changed.sort(key=lambda field: order.get(field.name, len(order)))
    words = [_WORDS.get(f.name, f"{f.name}_{{}}").format(_text(getattr(config, f.name))) for f in changed]
    return "-".join(
        [NOT_IN_NAMES.sub("_", word) for word in (config.extractor, f"n{config.samples}", *words)] + [config.id]
    )


def _text(value: object) -> str:
    is_words = isinstance(value, tuple) and all(isinstance(part, str) for part in value)
    return "+".join(map(str, value)) if is_words and isinstance(value, tuple) else text_of(value)
