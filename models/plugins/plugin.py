"""What every objective, architecture, prior, extractor, metric and data set says about itself. Imports no torch.

One frozen object describes a concept: its name, its version, what it does, its parameters. Each kind is a subclass that
adds what is particular to it. Built-in ones and plug-ins are described alike.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar, NamedTuple

from aesweep.models.errors import InputError

Value = bool | int | float | str
"""What a parameter can be."""
Settings = tuple[tuple[str, Value], ...]
"""Parameters and their values, sorted by name: hashable, and a list of pairs in JSON."""
Code = Callable[..., Any] | str
"""A function, or "package.module:function" for one that is imported when it is first called."""

BUILT_IN = "built in"
"""The version of what is part of aesweep; never part of a key or an id."""
_NAME = re.compile(r"[a-z][a-z0-9]*([_-][a-z0-9]+)*")
_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z.+_-]{0,39}")
LONGEST_NAME = 40
LARGEST_WHOLE = 2**53  # beyond it JSON readers disagree


class PluginError(InputError):
    """A plug-in that is missing, cannot be imported or is not what it says; `str(error)` is two lines."""


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One setting of a plug-in. The type of `default` is its type."""

    name: str
    default: Value
    meaning: str
    least: float = -math.inf
    most: float = math.inf
    choices: tuple[str, ...] = ()
    """The words that a parameter of text takes; () for any."""

    def read(self, value: object, field: str) -> Value:
        """`value` in the parameter's type. Raises `InputError`, whose field is `field`, for what does not fit.

        A whole number is a number, and text from a command line is read as the type asks.
        """
        try:
            return self._read(value)
        except (ValueError, TypeError, OverflowError, KeyError):
            raise InputError(field, value, f"Give {self._expected()}.") from None

    def _read(self, value: Any) -> Value:
        if isinstance(self.default, bool):
            return {"true": True, "false": False, True: True, False: False}[_word(value)]
        if isinstance(value, bool):
            raise TypeError
        if isinstance(self.default, str):
            if not isinstance(value, str) or (self.choices and value not in self.choices):
                raise TypeError
            return value
        number = float(value) + 0.0  # -0.0 and 0.0 are one value
        if not self.least <= number <= self.most or not math.isfinite(number):
            raise ValueError
        if isinstance(self.default, float):
            return number
        if not number.is_integer() or abs(number) > LARGEST_WHOLE:
            raise ValueError
        return int(number)

    def _expected(self) -> str:
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, str):
            return f"one of: {', '.join(self.choices)}" if self.choices else "text"
        kind = "a number" if isinstance(self.default, float) else "a whole number"
        low, high = math.isfinite(self.least), math.isfinite(self.most)
        if low and high:
            return f"{kind} from {self.least:g} to {self.most:g}"
        return f"{kind} of {self.least:g} or more" if low else f"{kind} up to {self.most:g}" if high else kind


@dataclass(frozen=True, kw_only=True)
class Plugin:
    """The base of all six kinds. Raises `PluginError` at construction for a name or version that cannot be used."""

    kind: ClassVar[str] = "plug-in"
    """`objective`, `architecture`, `prior`, `extractor`, `metric` or `dataset`: each subclass names its own."""

    name: str
    """Lower-case words joined by "_" or "-". Specs ask for it by this name."""
    version: str
    """Part of a trial's key or an evaluation's id, unless it is `BUILT_IN`. Raise it when results change."""
    meaning: str
    """One line for `--help`, messages and docs."""
    parameters: tuple[Parameter, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name) or len(self.name) > LONGEST_NAME:
            remedy = f'Give up to {LONGEST_NAME} lower-case letters, digits, "_" and "-", such as my_prior.'
            raise PluginError(f"name of the {self.kind}", self.name, remedy)
        fits = isinstance(self.version, str) and (self.version == BUILT_IN or _VERSION.fullmatch(self.version))
        if not fits:
            raise PluginError(f"version of the {self.kind} {self.name}", self.version, 'Give one such as "1.0".')
        if not isinstance(self.meaning, str) or not self.meaning.strip():
            raise PluginError(f"meaning of the {self.kind} {self.name}", self.meaning, "Say in one line what it does.")

    @property
    def use(self) -> str:
        """How keys, ids and records name it, such as `prior laplace 1.0`; "" for what is built in."""
        return "" if self.version == BUILT_IN else str(Use(self.kind, self.name, self.version))

    @property
    def defaults(self) -> dict[str, Value]:
        """Every parameter and its default."""
        return {parameter.name: parameter.default for parameter in self.parameters}

    def settings(self, given: Mapping[str, object] | Settings, field: str = "") -> Settings:
        """The parameters in `given` that differ from their defaults: what enters a key or an id.

        Raises `InputError` for an unknown parameter or a value that does not fit; `field` says where they were given.
        """
        known = {parameter.name: parameter for parameter in self.parameters}
        read = {}
        for name, value in dict(given).items():
            place = f"{field or f'{self.kind} {self.name}'}: {name}"
            if name not in known:
                remedy = f"It has: {', '.join(known)}." if known else "It has no parameters; leave it out."
                raise InputError(place, value, f"The {self.kind} {self.name} has no such parameter. {remedy}")
            read[name] = known[name].read(value, place)
        return tuple(sorted((name, value) for name, value in read.items() if value != known[name].default))

    def values(self, settings: Mapping[str, Value] | Settings) -> dict[str, Value]:
        """Every parameter's value, given those that `settings` returned."""
        return self.defaults | dict(settings)


class Use(NamedTuple):
    """One plug-in that a trial or an evaluation uses."""

    kind: str
    name: str
    version: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name} {self.version}"

    @classmethod
    def parse(cls, text: str) -> "Use":
        """Read `str` back. Raises `ValueError` for another text."""
        kind, name, version = text.split(" ") if isinstance(text, str) else ()
        if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME or not _VERSION.fullmatch(version):
            raise ValueError(f"{text!r} names no plug-in")
        return cls(kind, name, version)


def function(code: Code) -> Callable[..., Any]:
    """The function that `code` is or names; imports its module."""
    if not isinstance(code, str):
        return code
    module, _, name = code.partition(":")
    found: Callable[..., Any] = getattr(import_module(module), name)
    return found


def _word(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value
