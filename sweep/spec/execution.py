"""How a sweep runs on one site: paths, threads, shares. Recorded with each result, never part of a hash.

The same trial trained with two threads here and on a GPU there is the same trial; so nothing that a site decides may
enter `TrialConfig` or `EvaluationConfig`. Paths are made absolute here, at the border: Ray workers start in another
folder.
"""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from aesweep.models.data.datasets import default_data_dir
from aesweep.models.errors import InputError

Device = Literal["auto", "cpu", "cuda"]
LONGEST_NAME, LONGEST_PATH = 255, 3000  # bytes; Linux takes 255 and 4,095, and names of ours follow


@dataclass(frozen=True, kw_only=True)
class ExecutionConfig:
    """Where and with what a sweep runs. Raises `InputError` at construction, naming the field and the value."""

    data_dir: str = field(default_factory=lambda: str(default_data_dir()))
    """Folder of data sets and weights; absolute. The default is `AESWEEP_DATA`, else `~/.cache/aesweep`."""
    folders: Mapping[str, str] = field(default_factory=dict)
    """Content identity of each `folder` data set -> its absolute path here. Filled from `data: path`."""
    device: Device = "auto"
    """`auto`: a GPU where there is one."""
    threads: int = 1
    """CPU threads of one trial. Speed and the last bits of the weights depend on it."""
    compile: bool = False
    """`torch.compile` the network: gains nothing over the default settings and compiles for every latent size."""
    deterministic: bool = False
    """Deterministic GPU kernels: slower, equal bits on equal hardware."""
    checkpoint_seconds: float = 300.0
    """Seconds of training between two checkpoints."""
    gpu_share: float | None = None
    """Part of a GPU that one trial takes, above 0 and at most 1; `null` chooses by the network's size."""
    max_concurrent: int | None = None
    """Most trials that train at once; `null` for as many as fit."""
    max_process_deaths: int = 3
    """Crashes of a trial's process in a row, without a checkpoint between them, after which it has failed; four kills weigh one."""
    hung_seconds: float = 900.0
    """Seconds without a sign of life after which the process of a trial or an evaluation is killed, and another takes over."""
    prior_deadline_seconds: float = 3600.0
    """Seconds after which the fit of a prior ends without a score, with the reason in the table."""

    def __post_init__(self) -> None:
        if not isinstance(self.data_dir, str | Path) or not str(self.data_dir) or "\0" in str(self.data_dir):
            raise InputError("data_dir", self.data_dir, "Give a folder.")
        object.__setattr__(self, "data_dir", absolute(self.data_dir, "data_dir"))
        if not isinstance(self.folders, Mapping):
            raise InputError("folders", self.folders, "Give the content identity and the path of each folder.")
        object.__setattr__(self, "folders", {key: absolute(path) for key, path in self.folders.items()})
        if self.device not in get_args(Device):
            raise InputError("device", self.device, f"Choose one of: {', '.join(get_args(Device))}.")
        for name in ("compile", "deterministic"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(name, getattr(self, name), "Give true or false.")
        for name in ("threads", "max_process_deaths", "max_concurrent"):
            count, is_open = getattr(self, name), name == "max_concurrent" and self.max_concurrent is None
            if not is_open and (not isinstance(count, int) or isinstance(count, bool) or not 1 <= count <= 100_000):
                raise InputError(name, count, "Give a whole number from 1 to 100000.")
        self._make_positive("checkpoint_seconds", 1e9, "a number of seconds above 0 and at most 1e9")
        self._make_positive("hung_seconds", 1e9, "a number of seconds above 0 and at most 1e9")
        self._make_positive("prior_deadline_seconds", 1e9, "a number of seconds above 0 and at most 1e9")
        if self.gpu_share is not None:
            self._make_positive("gpu_share", 1.0, "a part of a GPU, above 0 and at most 1, or null")

    @property
    def beat_seconds(self) -> float:
        """Seconds between two signs of life of a worker."""
        return min(60.0, self.hung_seconds / 10)

    def _make_positive(self, name: str, most: float, expected: str) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= most:  # NaN is not
            raise InputError(name, value, f"Give {expected}.")
        object.__setattr__(self, name, float(value))

    def to_json(self) -> dict[str, Any]:
        """All fields as plain JSON values; `ExecutionConfig(**data)` reads them back."""
        return asdict(self)


def absolute(path: str | Path, name: str = "path", relative_to: Path | None = None) -> str:
    """`path` without `~`, made absolute from `relative_to` (default: the current folder); links stay as they are.

    Raises `InputError` for what no file system takes, so that later code may look whether the path exists.
    """
    try:
        full = ((relative_to or Path()) / Path(path).expanduser()).absolute()
        lengths = [len(os.fsencode(part)) for part in full.parts]
    except (RuntimeError, ValueError):  # ValueError: characters that no name has
        raise InputError(name, str(path), "There is no such user or name; give the folder in full.") from None
    if max(lengths) > LONGEST_NAME or sum(lengths) + len(lengths) > LONGEST_PATH:
        raise InputError(name, str(path), "This is too long for a path; give a folder.")
    return str(full)
