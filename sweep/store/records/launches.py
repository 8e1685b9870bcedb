"""The records of launches: what was launched, on which machines, and how far it is."""

from typing import Annotated, ClassVar

from pydantic import Field

from aesweep.sweep.store.records.fields import (
    Count,
    CutLine,
    Finite,
    Identity,
    Key,
    Label,
    Name,
    ShortLine,
    Time,
    or_else,
)
from aesweep.sweep.store.records.record import MOST_VALUES, Record, SealedRecord


class LatestSpec(SealedRecord):
    """`sweeps/latest.json`: which spec was launched last, the id of its evaluation, and the names of data sets."""

    spec: Name
    evaluation: Name
    data_labels: Annotated[dict[Identity, Label], or_else({})] = Field(default_factory=dict)
    """Identity of a folder's images -> the name that a launch gave them last."""


class LaunchedSpec(SealedRecord):
    """`sweeps/<spec hash>.json`; the spec inside is read by `SweepSpec.from_json`, where it is needed."""

    most_values: ClassVar[int] = MOST_VALUES
    format: int
    name: str
    keys: dict[Key, ShortLine]
    """Key of each trial -> the block that it comes from."""
    spec: dict[str, object]


class MachineRecord(Record):
    """What a machine of a launch runs on. A text is "" where nobody knows."""

    host: CutLine
    system: CutLine
    python: CutLine
    ray: CutLine
    torch: CutLine
    cuda: CutLine
    """The version that torch was built for."""
    cudnn: CutLine
    gpus: CutLine
    """Names and number of its GPUs."""
    gpu_driver: CutLine
    container: CutLine
    """Digest or name of the image, as far as the container can tell."""


class LaunchRecord(SealedRecord):
    """`launches/<driver>.json`: the code and the environment of one launch."""

    time: Time
    aesweep: CutLine
    command: tuple[CutLine, ...]
    """The command line, without what may be secret."""
    spec: Name
    evaluation: Name
    commit: CutLine
    """The commit of the source tree that the code ran from; "" where it is no tree of git."""
    changed: bool | None
    """Whether that tree had changes which are not committed; None where it is no tree of git."""
    code_sha256: CutLine
    """SHA-256 of the names and bytes of all files of the package."""
    plugins: dict[CutLine, CutLine]
    """The user's files of plug-ins -> their SHA-256."""
    packages: tuple[CutLine, ...]
    """Installed distributions of the driver's machine, as `name==version`."""
    machines: tuple[MachineRecord, ...]
    """Those that were there at the start, each kind once."""


class MergeRecord(SealedRecord):
    """`merges/<driver>.json`: trials whose results were copied from another store, written before they are."""

    most_values: ClassVar[int] = MOST_VALUES
    time: Time
    source: CutLine
    """Name of the other store."""
    keys: tuple[Key, ...]


class RunningTrial(Record):
    """A trial in training, as of its last report."""

    epoch: Count = 0
    epochs: Count
    images_per_second: Finite = 0.0
    loss: Finite | None = None
    """Mean training loss of the last epoch."""
    test_loss: Finite | None = None
    """Cross-entropy of a sample of the test images after that epoch, nats per pixel value."""
    name: str
    silent_seconds: Finite = 0.0
    """Since its last sign of life; 0 while it is not remarkable."""


class LaunchProgress(Record):
    """Where a launch is."""

    counts: dict[str, Count] = Field(default_factory=dict)
    """Trials by state."""
    running: dict[Key, RunningTrial]
    scoring: Count = 0
    eta_seconds: Finite | None = None


class DriverRecord(LaunchProgress):
    """`progress/*.json`: a running driver and where its launch is."""

    host: str
    pid: Annotated[int, Field(gt=0, lt=2**31)]
    time: Finite
    boot: str
    pid_namespace: str
