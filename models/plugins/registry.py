"""Where a name in a spec finds its object: what is built in, a file of the user's, or an installed package. Imports no torch.

    OBJECTIVES = Registry(Objective, (DAE, VAE, …))      entry points of the group `aesweep.objectives`

Entry points are read when a name is asked for that is not built in, or for a list of names, and only the one that is asked
for is imported: reading a spec of built-in names costs nothing. What a record names and is not installed here stays
readable: a configuration keeps the names and versions of its plug-ins (`Registry.uses`), and only what has to run them asks
whether they are there (`require`).
"""

import sys
from collections.abc import Collection, Iterable
from functools import cache
from typing import TYPE_CHECKING, Generic, NamedTuple, TypeVar

from aesweep.models.errors import InputError, one_line
from aesweep.models.plugins.files import loaded_files, said
from aesweep.models.plugins.plugin import Plugin, PluginError, Use

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

P = TypeVar("P", bound=Plugin)


class _Origin(NamedTuple):
    """Where a plug-in of some name was found."""

    words: str
    plugin: "Plugin | EntryPoint"


class Registry(Generic[P]):
    """All objects of one kind, by name."""

    def __init__(self, described: type[P], built_in: Iterable[P]) -> None:
        """`described`: the kind's subclass of `Plugin`; `built_in`: its objects in aesweep, in the order of lists."""
        self.described = described
        self.kind = described.kind
        self.built_in: dict[str, P] = {one.name: one for one in built_in}

    def names(self) -> tuple[str, ...]:
        """Every name, built-in ones first; imports none of the others."""
        others = sorted({name for name, _ in _origins(self.kind)} - self.built_in.keys())
        return (*self.built_in, *others)

    def get(self, name: str, field: str = "") -> P:
        """The object of this name.

        Raises `InputError`, whose field is `field` or the kind, for an unknown name, and `PluginError` for a plug-in that
        cannot be imported, is not what it says, or has the name of another.
        """
        if name in self.built_in:
            return self.built_in[name]
        found = find(self.kind, name)
        if found is None:
            raise InputError(field or self.kind, name, f"Choose one of: {', '.join(self.names())}.")
        if not isinstance(found, self.described):
            kind = f"{self.described.__module__}.{self.described.__name__}"
            raise PluginError(f"{self.kind} {name}", type(found).__name__, f"Make it an object of {kind}.")
        return found

    def find(self, name: str) -> P | None:
        """The object of this name, None where there is none here: for reading what somebody else made."""
        try:
            return self.get(name)
        except InputError:
            return None

    def uses(self, names: Iterable[str], recorded: Collection[str] = (), field: str = "") -> tuple[str, ...]:
        """The plug-ins among `names`, each as `Plugin.use` says it: what a configuration keeps and its hash covers.

        One that `recorded` names is taken from there and need not be installed. Raises as `get` for any other.
        """
        known = {use.name: str(use) for use in parsed(recorded) if use.kind == self.kind}
        others = [name for name in names if name not in self.built_in]
        return tuple(sorted({known.get(name) or self.get(name, field).use for name in others}))


def parsed(recorded: Iterable[str], field: str = "plugin_versions") -> tuple[Use, ...]:
    """The texts of `Registry.uses` as they were made. Raises `InputError` for another text."""
    found = []
    for text in recorded:
        try:
            found.append(Use.parse(text))
        except (ValueError, TypeError):
            raise InputError(field, text, "Leave it out: it is computed from the plug-ins.") from None
    return tuple(found)


def recorded_version(recorded: Iterable[str], kind: str, name: str) -> str:
    """The version of one plug-in among those that a configuration keeps; "" for what is built in."""
    return next((use.version for use in parsed(recorded) if (use.kind, use.name) == (kind, name)), "")


def require(recorded: Iterable[str]) -> None:
    """Raise `PluginError` for the first of these plug-ins that is not here, or only in another version."""
    for use in parsed(recorded):
        found = find(use.kind, use.name)
        if found is None:
            remedy = (
                f"Version {use.version} of this {use.kind} was used, and no such plug-in is here. Install the package that "
                "has it, or name its file with --plugins FILE."
            )
            raise PluginError(use.kind, use.name, remedy)
        if found.use != str(use):
            remedy = f"Version {use.version} was used, {found.version} is here. Install version {use.version}."
            raise PluginError(use.kind, use.name, remedy)


def find(kind: str, name: str) -> Plugin | None:
    """The plug-in of this kind and name, None where there is none. Raises `PluginError` as `Registry.get`."""
    origins = [origin for found, origin in _origins(kind) if found == name]
    if len(origins) > 1:
        remedy = f"Two plug-ins have this name: {origins[0].words} and {origins[1].words}. Remove or rename one."
        raise PluginError(kind, name, remedy)
    if not origins:
        return None
    found = origins[0].plugin
    return found if isinstance(found, Plugin) else _imported(kind, found)


def _origins(kind: str) -> list[tuple[str, _Origin]]:
    """Every plug-in of a kind by name; two of one name are both here."""
    of_files = [
        (one.name, _Origin(one_line(file.path), one))
        for file in loaded_files()
        for one in file.plugins
        if one.kind == kind
    ]
    installed = [(entry.name, _Origin(_words(entry), entry)) for entry in _installed(kind, tuple(sys.path))]
    return of_files + installed


@cache
def _installed(kind: str, path: tuple[str, ...]) -> "tuple[EntryPoint, ...]":
    """The entry points of a kind on this `sys.path`."""
    from importlib.metadata import entry_points  # slow to start, and built-in names do not need it

    return tuple(entry_points(group=f"aesweep.{kind}s"))


@cache
def _imported(kind: str, entry: "EntryPoint") -> Plugin:
    field = f"{kind} {entry.name}"
    try:
        found = entry.load()
    except (Exception, SystemExit) as error:
        remedy = f"It cannot be imported: {said(error)}. Correct or uninstall that package."
        raise PluginError(field, _words(entry), remedy) from error
    if not isinstance(found, Plugin) or (found.kind, found.name) != (kind, entry.name) or not found.use:
        is_what = (
            f"the {found.kind} {found.name} {found.version}" if isinstance(found, Plugin) else type(found).__name__
        )
        remedy = (
            f"It is {is_what}; the entry point says {kind} {entry.name}, with a version of its own. Correct it there."
        )
        raise PluginError(field, _words(entry), remedy)
    return found


def _words(entry: "EntryPoint") -> str:
    owner = f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "an unknown package"
    return one_line(f"{entry.value} of {owner}")
