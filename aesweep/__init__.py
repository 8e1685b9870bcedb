"""Train, score and compare autoencoders on a Ray cluster.

    from aesweep import launch, load_data, load_model, load_prior, open_store

The subpackages live in the folders of the same names at the top of the repository; this folder holds links to them, so
that one package is imported and nothing of a user's own (`models`, `cluster`, ...) can get in its way.

The public names are imported on first use: `aesweep --help`, `plan` and `status` need neither torch nor Ray.
"""

from typing import TYPE_CHECKING

from aesweep.lazy import lazy_names

if TYPE_CHECKING:
    from aesweep.sweep.launch import launch
    from aesweep.sweep.load import load_data, load_model, load_prior
    from aesweep.sweep.opened import OpenedStore, open_store

__all__ = ["OpenedStore", "launch", "load_data", "load_model", "load_prior", "open_store"]

_HOMES = {
    "launch": "aesweep.sweep.launch",
    "load_data": "aesweep.sweep.load",
    "load_model": "aesweep.sweep.load",
    "load_prior": "aesweep.sweep.load",
    "OpenedStore": "aesweep.sweep.opened",
    "open_store": "aesweep.sweep.opened",
}
__getattr__ = lazy_names(__name__, _HOMES)
