"""The parameters of an objective: typed, with defaults that may depend on the data set. Imports no torch.

A trial holds all of them as explicit values, so its key never changes its meaning when a default is changed later.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from aesweep.models.errors import InputError

Value = float | int | bool | str
Pairs = tuple[tuple[str, Value], ...]
"""Parameters of a trial, sorted by name."""


@dataclass(frozen=True, eq=False)
class Parameter:
    """A number, a switch or a word that an objective takes."""

    name: str
    default: Value
    """Its type is the type of the parameter."""
    meaning: str
    of_dataset: Mapping[str, Value] = field(default_factory=dict)
    """Other defaults, by data set."""
    choices: tuple[str, ...] = ()
    """The words of a parameter that takes words."""
    least: float = 0.0
    """The smallest number."""
    later: bool = False
    """True if it came after the objective's version did: a trial holds it only where it is not its default."""

    def default_for(self, dataset: str) -> Value:
        """The value on a data set where none is given."""
        return self.of_dataset.get(dataset, self.default)

    @property
    def expected(self) -> str:
        """What it takes, in words."""
        match self.default:
            case bool():
                return "true or false"
            case str():
                return f"one of: {', '.join(self.choices)}"
            case int():
                return f"a whole number from {self.least:g} up"
            case _:
                return f"a number of {self.least:g} or more"

    def checked(self, value: Any) -> Value:
        """`value` in the parameter's type. Raises `InputError` for what it does not take."""
        fits = self._fits(value)
        if not fits:
            raise InputError(f"parameters.{self.name}", value, f"Give {self.expected}.")
        match self.default:
            case bool() | str():
                return value  # type: ignore[no-any-return]
            case int():
                return int(value)
            case _:
                return float(value) + 0.0  # 0.0 and -0.0 are the same trial

    def _fits(self, value: Any) -> bool:
        if isinstance(self.default, bool):
            return isinstance(value, bool)
        if isinstance(self.default, str):
            return isinstance(value, str) and value in self.choices
        if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > 2**53:
            return False
        return math.isfinite(value) and value >= self.least and (isinstance(self.default, float) or value == int(value))


def complete(given: Any, known: Sequence[Parameter], model: str, dataset: str) -> Pairs:
    """All parameters of a trial: those `given`, as a mapping or pairs, and the defaults of the others.

    Raises `InputError` for a name that the model does not have and a value that its parameter does not take.
    """
    values = _mapping(given)
    for name, value in values.items():
        if name not in (one.name for one in known):
            takes = f"takes {', '.join(one.name for one in known)}" if known else "takes none"
            raise InputError(f"parameters.{name}", value, f"There is no such parameter: {model} {takes}.")
    found = {one.name: one.checked(values.get(one.name, one.default_for(dataset))) for one in known}
    later = {one.name for one in known if one.later and found[one.name] == one.checked(one.default_for(dataset))}
    return tuple(sorted((name, value) for name, value in found.items() if name not in later))


def without_defaults(pairs: Pairs, known: Sequence[Parameter], dataset: str) -> dict[str, Value]:
    """Those of a trial's parameters that are not the defaults on its data set."""
    defaults = {one.name: one.default_for(dataset) for one in known}
    return {name: value for name, value in pairs if value != defaults.get(name)}


def _mapping(given: Any) -> dict[str, Any]:
    try:
        values = dict(given)
    except (TypeError, ValueError):
        values = {0: given}
    if not all(isinstance(name, str) for name in values):
        raise InputError("parameters", given, "Give names and values, such as {penalty: 1e-3}.")
    return values
