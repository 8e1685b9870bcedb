"""How the fields of a trial and their values are written and ordered."""

import re
from collections.abc import Sequence

from aesweep.analysis.data.trials import TITLES, depth_order
from aesweep.sweep.tables.schemas import ARCHITECTURE_FIELDS, ARCHITECTURE_READS, MODEL_READS, MODEL_TITLES

STORE = "store"
"""Column that says which of two stores a trial is from."""
PARAMETERS = "parameters"
"""Column with the parameters of a model, each of which is an axis of its own."""
NOT_AN_AXIS = (PARAMETERS, "dataset", "data_identity", "data_label", "image_size", "channels", "resize", "seed")
"""Scores of two data sets are never compared, and seeds are averaged over."""
_COUNTED = ("latent_size", "filters", "epochs", "warmup_epochs")
"""Fields whose number comes first: `16 filters`."""
_NUMBER = r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?"
_NUMBERS = re.compile(rf"{_NUMBER}(?:-{_NUMBER})*")


def is_parameter(field: str) -> bool:
    """Whether this is a parameter of a model, which is named with it: `wae penalty`."""
    return " " in field


def title(field: str) -> str:
    """A field in words: `learning rate`, `batch size`, `WAE-MMD penalty`."""
    if is_parameter(field):
        model, _, name = field.partition(" ")
        return f"{MODEL_TITLES.get(model, model)} {name.replace('_', ' ')}"
    return TITLES.get(field, field.replace("_", " "))


def has_effect(model: str, architecture: str, field: str) -> bool:
    """Whether a field has an effect on a model and its network; assumed for those of plug-ins."""
    if field in ARCHITECTURE_FIELDS and field not in ARCHITECTURE_READS.get(architecture, ARCHITECTURE_FIELDS):
        return False
    if field == "beta":
        return "beta" in MODEL_READS.get(model, ("beta",))
    return field != "reduction" or model != "dae"  # what it weighs is the KL divergence


def value_words(field: str, value: object) -> str:
    """A value in words: `DAE`, `0.1`, `yes`."""
    if value is None:
        return "–"
    if field == "model":
        return str(MODEL_TITLES.get(str(value), value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return f"{value:g}"
    return ", ".join(_parts(str(value))) if field.startswith("learning_rate") else str(value)


def phrase(field: str, value: object) -> str:
    """A field with its value: `beta 0.1`, `16 latent units`, `DAE`, `no batch norm`."""
    words = value_words(field, value)
    if field in ("model", STORE):
        return words
    if isinstance(value, bool):
        return title(field) if value else f"no {title(field)}"
    if field in _COUNTED:
        return f"{words} {title(field).removesuffix('s') if words == '1' else title(field)}"
    return f"{title(field)} {words}"


def numbers_of(values: Sequence[object]) -> tuple[float, ...]:
    """The values as numbers, where every one is a single number; otherwise ()."""
    parts = [_numbers(value) for value in values]
    return tuple(part[0] for part in parts) if all(len(part) == 1 for part in parts) else ()


def order_of(field: str, value: object) -> tuple[object, ...]:
    """Sorts the values of a field: numbers by size, depths by layers, schedules by their first rate."""
    if field == "model":
        known = list(MODEL_TITLES)
        return (0, known.index(str(value)) if value in known else len(known), str(value))
    if field == "depth" and _NUMBERS.fullmatch(str(value)):
        return (0, *depth_order(str(value)))
    numbers = _numbers(value)
    return (0, *numbers) if numbers else (1, str(value))


def _numbers(value: object) -> tuple[float, ...]:
    """The numbers of a value: one, or several of a schedule such as `0.001-1e-05`; () for words."""
    if isinstance(value, bool):
        return ()
    if isinstance(value, int | float):
        return (float(value),)
    return tuple(map(float, _parts(str(value)))) if _NUMBERS.fullmatch(str(value)) else ()


def _parts(text: str) -> list[str]:
    """`0.001-1e-05` -> `0.001`, `1e-05`."""
    return re.split(r"(?<=[0-9.])-", text) if text else []
