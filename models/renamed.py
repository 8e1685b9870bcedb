"""Fields that have a new name, and are still made under the old one for a version."""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

Kind = TypeVar("Kind")


def takes_old_names(**new_names: str) -> Callable[[type[Kind]], type[Kind]]:
    """Decorator of a dataclass: its constructor also takes these old names of fields (`old="new"`)."""

    def decorate(kind: type[Kind]) -> type[Kind]:
        make = kind.__init__

        @wraps(make)
        def with_old_names(self: Kind, *values: Any, **named: Any) -> None:
            old = {new_names[name]: named.pop(name) for name in new_names if name in named}
            make(
                self, *values, **{**named, **old}
            )  # `dataclasses.replace` gives all names, and the old ones that it was given

        kind.__init__ = with_old_names  # type: ignore[assignment]
        return kind

    return decorate
