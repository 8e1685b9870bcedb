"""What one trial trains: configuration, networks, data, loop and checkpoints. No Ray: this folder runs in a notebook.

The names below are imported on first use, so that `models.config` alone never loads torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "TrialConfig": "models.config",
    "InputError": "models.errors",
    "DataSource": "models.datasets",
    "load_images": "models.images",
    "Autoencoder": "models.autoencoder",
    "build_autoencoder": "models.autoencoder",
    "Trainer": "models.trainer",
    "NonFiniteLossError": "models.trainer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
