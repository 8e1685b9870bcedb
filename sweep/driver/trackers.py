"""Experiment trackers of a launch: those asked for by name, and a user's own Ray Tune callbacks.

Tune's own loggers (TensorBoard, CSV, JSON) write into a temporary folder of Ray, which is removed at the end. Here every
tracker's files go to `STORE/trackers/`, one folder per trial, or, where the store is no folder of this machine, to
`./<store>-trackers/`. They are copies for people to look at: nothing reads them, and you may remove them.
"""

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from aesweep.models.errors import InputError
from aesweep.sweep.store.layout import TRACKERS
from aesweep.sweep.store.store import Store

if TYPE_CHECKING:
    from ray.tune import Callback

PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""Trackers that can be asked for by name, and the package that each needs here."""
ALSO_NEEDED = {"mlflow": "sqlalchemy"}
"""What comes with the package, but not with a smaller one of the same name: mlflow-skinny writes no database."""

UPLOAD_SECONDS = 300
"""How long a launch waits for W&B's uploads at its end (Ray's default is half an hour). Runs that are not uploaded stay on disk."""


@dataclass(frozen=True)
class Trackers:
    """What watches the trials of a launch."""

    callbacks: Sequence["Callback"] = ()
    names: Sequence[str] = ()

    def require_installed(self) -> None:
        """Raise `InputError` for a tracker that is not known or not installed."""
        for name in self.names:
            if name not in PACKAGES:
                raise InputError("--track", name, f"Choose one of: {', '.join(PACKAGES)}.")
            needed = (PACKAGES[name], ALSO_NEEDED.get(name, PACKAGES[name]))
            if any(find_spec(module) is None for module in needed):
                remedy = f"It is not installed here. Run `pip install {PACKAGES[name]}`, or leave the option out."
                raise InputError("--track", name, remedy)

    def begin(self, store: Store, sweep: str) -> tuple[list["Callback"], Path | None, list[str]]:
        """The callbacks, the folder that they write to (None without any), and lines that say where to look."""
        named = dict.fromkeys(self.names)
        if not named and not self.callbacks:
            return [], None, []
        folder = tracker_folder(store)
        folder.mkdir(exist_ok=True)
        lines = [f"{name}: {_viewer(name, folder)}" for name in named]
        lines += [f"Callbacks write to: {folder}"] if self.callbacks else []
        return [*self.callbacks, *(_tracker(name, folder, sweep) for name in named)], folder, lines


def tracker_folder(store: Store) -> Path:
    """Where trackers write."""
    if store.storage.folder is not None:
        return store.storage.folder / TRACKERS
    return Path(f"{store.name}-{TRACKERS}").absolute()


def _tracker(name: str, folder: Path, sweep: str) -> "Callback":
    if name == "tensorboard":
        from ray.tune.logger import TBXLoggerCallback

        return TBXLoggerCallback()
    if name == "wandb":
        from ray.air.integrations.wandb import WandbLoggerCallback

        # Its processes belong to Ray, which may have been started elsewhere, without this environment.
        mode = os.environ.get("WANDB_MODE") or None
        return WandbLoggerCallback(project=sweep, mode=mode, upload_timeout=UPLOAD_SECONDS)
    from ray.air.integrations.mlflow import MLflowLoggerCallback

    return MLflowLoggerCallback(tracking_uri=_mlflow_uri(folder), experiment_name=sweep)


def _viewer(name: str, folder: Path) -> str:
    """The command that shows what a tracker wrote, or where it is shown."""
    if name == "tensorboard":
        return f"tensorboard --logdir {shlex.quote(str(folder))}"
    if name == "wandb":
        runs = f"{shlex.quote(str(folder))}/*/wandb/offline-run-*"
        return (
            f"wandb sync {runs}" if os.environ.get("WANDB_MODE") == "offline" else f"your project; its files: {folder}"
        )
    return f"mlflow ui --backend-store-uri {shlex.quote(_mlflow_uri(folder))}"


def _mlflow_uri(folder: Path) -> str:
    return f"sqlite:///{folder}/mlflow.db"
