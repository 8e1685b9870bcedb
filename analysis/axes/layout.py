"""Where a figure shows each axis of a sweep: on the x axis, as colour, as line style, as panels.

    Axes + Wishes (the section `report` of a spec) ─► `choose` ─► Layout

Every axis gets a place, so figures omit nothing: axes that fit nowhere become panels, one per combination.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from aesweep.analysis.axes.axes import Axes, Axis
from aesweep.analysis.axes.words import title

MOST_COLOURS, MOST_LINES = 12, 4
ROLES = ("x", "colour", "line", "panel")


@dataclass(frozen=True)
class Wishes:
    """What a spec asks of the report (docs/specs.md); "" leaves the choice to `choose`."""

    x: str = ""
    colour: str = ""
    line: str = ""
    panel: str = ""
    score: str = ""
    """The score that networks are ranked by."""
    paper: bool | None = None
    """Whether the paper's figures, tables and claims appear; None: on the paper's data, and elsewhere claims that can be decided."""
    price: float | None = None
    """Price of one GPU-hour in any currency, from the command line; None if it was not given."""


@dataclass(frozen=True, eq=False)
class Layout:
    """The role of every axis in a figure; None or () if no axis has that role."""

    axes: Axes
    x: Axis | None
    colour: Axis | None
    line: Axis | None
    panels: tuple[Axis, ...]
    notices: tuple[str, ...] = ()
    """Sentences on wishes that could not be met."""

    @property
    def order(self) -> tuple[Axis, ...]:
        """Every axis once, for the columns of a table."""
        roles = [*self.panels, self.line, self.colour, self.x]
        return tuple(dict.fromkeys(axis for axis in roles if axis is not None))

    @property
    def words(self) -> str:
        """Sentences for captions: which axes the colour and the line style show."""
        said = [(self.colour, "Colour"), (self.line, "Line style")]
        if self.colour is self.line:
            said = [(self.colour, "Colour and line style")]
        return " ".join(f"{where}: {axis_title(axis)}." for axis, where in said if axis is not None)


def axis_title(axis: Axis) -> str:
    """The axis in words: `learning rate`, `model with noise`."""
    first, *others = map(title, axis.fields)
    return f"{first} with {' and '.join(others)}" if others else first


def choose(axes: Axes, wishes: Wishes) -> Layout:
    """Give every axis a role: first the roles that are asked for, then the free role that suits it best."""
    asked = {role: axes.named(name) for role in ROLES if (name := getattr(wishes, role))}
    notices = tuple(
        f"The spec asks for {getattr(wishes, role)} as {role}, but it does not vary here."
        for role, axis in asked.items()
        if axis is None
    )
    left = [axis for axis in axes.every if axis not in asked.values()]

    def take(role: str, pick: Callable[[list[Axis]], Axis | None]) -> Axis | None:
        if (wished := asked.get(role)) is not None:
            return wished
        found = pick(left)
        if found is not None:
            left.remove(found)
        return found

    x = take("x", _for_x)
    line = take("line", _for_lines)
    colour = take("colour", _for_colours) or line
    wished_panel = asked.get("panel")
    panels = (*([wished_panel] if wished_panel else []), *sorted(left, key=len))
    return Layout(axes, x, colour, line or _few(colour), panels, notices)


def panel_places(layout: Layout) -> list[tuple[str, np.ndarray]]:
    """Heading and trials (bool mask) of each panel that has trials; a single panel has no heading."""
    rows = layout.axes.places(layout.panels)
    if rows.empty or not layout.panels:
        return [("", np.ones(len(layout.axes.trials), dtype=bool))]
    groups = rows.groupby(list(rows.columns), sort=True).indices
    found = []
    for key, where in groups.items():
        places = key if isinstance(key, tuple) else (key,)
        pairs = zip(layout.panels, places, strict=True)
        heading = ", ".join(axis.phrase(int(place)) for axis, place in pairs if place >= 0)
        chosen = np.zeros(len(rows), dtype=bool)
        chosen[where] = True
        found.append((heading, chosen))
    return found


def _for_x(axes: list[Axis]) -> Axis | None:
    """The axis with most values, numbers before words; the first of equal ones."""
    return max(axes, key=lambda axis: (bool(axis.numbers), len(axis)), default=None)  # max gives the first of equals


def _for_lines(axes: list[Axis]) -> Axis | None:
    """The model if it varies; otherwise the axis with fewest values, if another one is left for the colour."""
    model = next((axis for axis in axes if axis.name == "model"), None)
    if model is not None or len(axes) < 2:
        return _few(model)
    return min((axis for axis in axes if _few(axis)), key=len, default=None)


def _for_colours(axes: Iterable[Axis]) -> Axis | None:
    """The axis with most values among those that colours can distinguish; numbers become shades, so they may be many."""
    return max((axis for axis in axes if axis.numbers or len(axis) <= MOST_COLOURS), key=len, default=None)


def _few(axis: Axis | None) -> Axis | None:
    return axis if axis is not None and len(axis) <= MOST_LINES else None
