"""What one trial trains: configuration, networks, data, loop and checkpoints. No Ray: this folder runs in a notebook.

The names below are imported on first use, so that `aesweep.models.config` alone never loads torch.
"""

from importlib import import_module
from typing import Any

_HOME = {
    "TrialConfig": "aesweep.models.config",
    "InputError": "aesweep.models.errors",
    "DataSource": "aesweep.models.data.datasets",
    "load_images": "aesweep.models.data.images",
    "Autoencoder": "aesweep.models.networks.autoencoder",
    "build_autoencoder": "aesweep.models.networks.autoencoder",
    "Trainer": "aesweep.models.training.trainer",
    "NonFiniteLossError": "aesweep.models.training.trainer",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
