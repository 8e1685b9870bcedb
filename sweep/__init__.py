"""The sweep service: what to train, where results are kept, and what runs it.

    from sweep import launch, load_model, open_store

Names are imported when they are first used, so that `aesweep --help`, `plan` and `status` need neither torch nor Ray.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sweep.load import load_model
    from sweep.run import launch
    from sweep.store import open_store

__all__ = ["launch", "load_model", "open_store"]

_HOMES = {"launch": "sweep.run", "load_model": "sweep.load", "open_store": "sweep.store"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sweep' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_HOMES[name]), name)
