"""What one field of a configuration accepts, whether it comes from YAML, from `--set` or from a list.

YAML 1.1 reads `1e-3` as text and `yes` as true, and a command line gives nothing but text; so every value passes
through the type of its dataclass field here. Pydantic reads the scalars (`"1e-3"` is a number, `16.0` a whole number);
what it would let through silently (true as 1) is refused. Messages name the place, the value and what to write.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import cache
from typing import Any, Literal, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from aesweep.evaluation.config import OLD_NAMES, EvaluationConfig
from aesweep.models.architectures.architecture import STAGES
from aesweep.models.config import TrialConfig
from aesweep.models.config_checks import REGISTRIES
from aesweep.models.errors import InputError, nearest
from aesweep.models.objectives.objective import as_mapping
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.ranges import MOST_TRIALS, split_values
from aesweep.sweep.spec.sweep_spec import extractor_uses

_hints, _adapter = cache(get_type_hints), cache(TypeAdapter)
ALIASES = {"seeds": "seed"}
"""Other names of trial fields: `seeds: 0..2` reads better for several."""

EVALUATION_ALIASES = {**OLD_NAMES, "sampling_seed": "sampling_seeds"}
"""The same of the fields of an evaluation."""


def _names(owner: type, *computed: str) -> tuple[str, ...]:
    return tuple(field.name for field in fields(owner) if field.name not in computed)


FIELDS = {
    "trial": _names(TrialConfig, "data_identity", "data_label", "plugin_versions"),
    "data": ("dataset", "path", "name", "test_fraction", "image_size", "channels", "resize"),
    "evaluation": _names(EvaluationConfig, "extractor_sha256", "plugin_versions"),
    "execution": _names(ExecutionConfig, "folders"),
}
"""The fields of each section of a spec; those of a trial stand in `base` and in the blocks."""

LIST_FIELDS = ("depth", "learning_rates", "learning_rate_drops")
"""Trial fields whose one value is a list."""
PARAMETER = "parameters."
"""Before the name of a parameter of the model: each is a field of its own in a block and for `--set`."""
SEVERAL = {"sampling_seeds": "whole numbers, such as [0, 1, 2]", "mixture_sizes": "whole numbers, such as [1, 10, 100]"}
"""Evaluation fields that take several numbers, and what to give."""


@contextmanager
def at(place: str, separator: str = ": ") -> Iterator[None]:
    """Put `place` before the field of an `InputError` raised inside: `blocks[1] "width": latent_size`."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{place}{separator}{error.field}", error.value, error.remedy) from None


def unknown(name: str, value: object, known: Collection[str]) -> InputError:
    """The error for a field that does not exist here: the section where it belongs, or the nearest that does, else all."""
    section = next((section for section, names in FIELDS.items() if ALIASES.get(name, name) in names), None)
    if section and f"{name}s" not in known:  # `seed` for the `seeds` of an evaluation
        place = "base (for all blocks) or a block" if section == "trial" else section
        return InputError(name, value, f"There is no such field here; it belongs in {place}.")
    remedy = nearest(name, known) if name else ""
    return InputError(name, value, f"There is no such field. {remedy or 'Known: ' + ', '.join(known) + '.'}".strip())


def check_known(mapping: Mapping[str, Any], known: Collection[str]) -> None:
    """Refuse a field that is not `known`, with the nearest one that is."""
    for name, value in mapping.items():
        if name in known:
            continue
        if name in ("data_identity", "extractor_sha256", "folders", "plugin_versions"):
            raise InputError(name, value, "Leave it out: it is computed from the data, the weights or the plug-ins.")
        raise unknown(name, value, known)


def read_value(owner: type, name: str, value: Any) -> Any:
    """One value of the field `name` of the dataclass `owner`, in the field's type; `InputError` names `name`."""
    hint = _hints(owner)[name]
    if get_origin(hint) is tuple:
        if name == "depth" and isinstance(value, str) and "-" in value:
            value = value.split("-")  # 3-3-2-1, as the tables print it
        elif name == "depth" and not isinstance(value, list | tuple):
            value = [value] * STAGES
        elif isinstance(value, int | float) and not isinstance(value, bool):
            value = [value]  # learning_rate_drops: 0.5
        if not isinstance(value, list | tuple):
            raise InputError(name, value, "Give a list of numbers.")
        return tuple(_read_scalar(name, item, get_args(hint)[0]) for item in value)
    return _read_scalar(name, value, hint)


def read_values(name: str, value: Any, *, in_block: bool) -> list[Any]:
    """All values that a spec gives for the trial field `name`: a list, a range or a single one.

    A list holds several values; for a field whose value is itself a list (`learning_rates`), a list of lists does.
    `depth` takes both forms: in a block `[1, 2]` are two depths; in `base` and in `trials` (`in_block=False`) a list is
    one network.
    """
    if name.startswith(PARAMETER):
        values = _items(name, value, str)  # the trial knows the type: its model may be one of several
    elif name in LIST_FIELDS:
        values = _list_values(name, value, in_block)
    else:
        values = [read_value(TrialConfig, name, item) for item in _items(name, value, _hints(TrialConfig)[name])]
    if len(values) > MOST_TRIALS:
        raise InputError(name, value, f"Give at most {MOST_TRIALS:,} values.")
    return list(dict.fromkeys(values))


def parameter_fields(given: Any) -> dict[str, Any]:
    """`parameters`, a mapping or pairs, as fields: `{penalty: [1, 2]}` is `{"parameters.penalty": [1, 2]}`."""
    try:
        return {f"{PARAMETER}{name}": value for name, value in dict(given).items()}
    except (TypeError, ValueError):
        raise InputError("parameters", given, "Give names and values, such as {penalty: [1e-3, 1e-2]}.") from None


def with_parameters(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a trial with its parameters as one mapping; the inverse of `parameter_fields`."""
    plain = {name: value for name, value in fields.items() if not name.startswith(PARAMETER)}
    given = {name.removeprefix(PARAMETER): value for name, value in fields.items() if name.startswith(PARAMETER)}
    return {**plain, "parameters": {**as_mapping(plain.get("parameters", ())), **given}} if given else plain


def read_settings(section: Literal["evaluation", "execution"], given: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a section in their types; a list-like one takes a single value, a list or a range too."""
    aliases = EVALUATION_ALIASES if section == "evaluation" else {}
    check_known(given, (*FIELDS[section], *aliases))
    owner = EvaluationConfig if section == "evaluation" else ExecutionConfig
    settings: dict[str, Any] = {}
    for written, value in given.items():
        name = aliases.get(written, written)
        if name in settings:
            raise InputError(written, value, f"{name} is given twice, under both its names; keep one.")
        hint = _hints(owner)[name]
        if name == "extractor":
            extractor_uses(value)
            settings[name] = value
        elif name == "options":
            settings[name] = value  # `EvaluationConfig` reads them by the parameters that there are
        elif get_origin(hint) is tuple:
            settings[name] = read_value(owner, name, _items(name, value, get_args(hint)[0]))
        else:
            settings[name] = read_value(owner, name, value)
    if seeds := settings.get("sampling_seeds"):  # the order changes no score, and would change the evaluation's id
        settings["sampling_seeds"] = tuple(sorted(seeds))
    return settings


def _items(name: str, value: Any, hint: Any) -> list[Any]:
    """The single values in a list, in text with commas and ranges, or the value itself."""
    given = value if isinstance(value, list | tuple) else [value]
    if not given:
        raise InputError(name, value, "Give at least one value, or leave the field out.")
    items: list[Any] = []
    for item in given:
        if isinstance(item, str) and item.strip() not in _choices(hint):
            items += split_values(name, item)
        else:
            items.append(item)
    return items


def _list_values(name: str, value: Any, in_block: bool) -> list[Any]:
    if isinstance(value, str):
        value = split_values(name, value)  # "1, 2" names several depths everywhere
        in_block = True
    one_number_is_a_value = name == "depth" and in_block
    if not isinstance(value, list) or not (one_number_is_a_value or any(isinstance(item, list) for item in value)):
        return [read_value(TrialConfig, name, value)]
    if name == "depth" and not any(isinstance(item, list | str) for item in value):
        _refuse_ambiguous_depth(value)
    values: list[Any] = []
    for item in value:
        parts = split_values(name, item) if isinstance(item, str) else [item]
        values += [read_value(TrialConfig, name, part) for part in parts]
    return values


def _refuse_ambiguous_depth(value: list[Any]) -> None:
    if len(value) == STAGES or len({repr(item) for item in value}) < len(value):
        one = f"Write [{value}] for one network with these depths by stage"
        raise InputError("depth", value, f"{one}, or a range such as 1..{STAGES} for several networks.")


def _read_scalar(name: str, value: Any, hint: Any) -> Any:
    choices = REGISTRIES[name].names() if name in REGISTRIES else _choices(hint)
    if choices:
        is_number = isinstance(value, int) and not isinstance(value, bool) and abs(value) <= 10**6
        word = str(value).strip() if isinstance(value, str) or is_number else ""
        if word not in choices:
            near = nearest(word, choices) if word else ""
            raise InputError(name, value, f"{near}Choose one of: {', '.join(choices)}.")
        return word
    if isinstance(value, str) and value.strip().lower() in ("none", "null") and type(None) in get_args(hint):
        return None
    expected = SEVERAL.get(name) or _expected(hint)
    if isinstance(value, bool) and hint is not bool:
        raise InputError(name, value, f"Give {expected}; YAML reads yes, no, on and off as true and false.")
    try:
        return _adapter(hint).validate_python(value)
    except (ValidationError, OverflowError):
        raise InputError(name, value, f"Give {expected}.") from None


def _expected(hint: Any) -> str:
    names = {int: "a whole number", float: "a number", bool: "true or false", str: "text", type(None): "null"}
    kinds = get_args(hint) or (hint,)
    return " or ".join(names[kind] for kind in kinds)


def _choices(hint: Any) -> tuple[str, ...]:
    return get_args(hint) if get_origin(hint) is Literal else ()
