"""The commits of a trial, the files that they name, and what takes the place of a commit that counts no more."""

import hashlib
import uuid
from typing import Annotated

from aesweep.evaluation.rows import ScoreRow
from aesweep.models.training.epoch_record import EpochRecord
from aesweep.sweep.store.latent_columns import LatentColumns
from aesweep.sweep.store.layout import MODEL
from aesweep.sweep.store.records.fields import AnyVersion, Count, CutLine, Name, Settings, Time, or_else
from aesweep.sweep.store.records.record import Record, SealedRecord

VACANCY_BYTES = 200
"""A vacancy is shorter than this, and a commit is longer."""


class Vacancy(SealedRecord):
    """Stands at the name of a commit that counts no more, or that some attempts must not take (docs/store.md)."""

    vacant: Name
    """Another word each time, so that nobody takes one vacancy for another."""


class FileRecord(Record):
    """One file of an attempt, as its commit names it."""

    sha256: str
    bytes: Count


class TrainingResult(Record):
    """How a training ended. The columns of the `trials` table explain the fields."""

    final_loss: float
    final_reconstruction: float
    final_kl: float | None
    test_bce: float
    mean_image_bce: float
    images_train: Count
    images_test: Count
    train_seconds: float
    gpu_seconds: float
    images_per_second: float
    device: str
    threads: Count
    precision_used: str
    torch_version: str
    aesweep_version: str
    node: str
    resumed_from: str
    resumed_with: str | None = None
    started: Time
    ended: Time


class TrainingRecord(SealedRecord):
    """`train.json`, the commit of a trial's training."""

    attempt: Name
    config: dict[str, object]
    execution: dict[str, object]
    files: dict[str, FileRecord]
    history: tuple[Annotated[EpochRecord, AnyVersion], ...]
    result: TrainingResult
    launch: CutLine = ""
    """Name of its `LaunchRecord`; "" without one."""

    @property
    def weights(self) -> str:
        """SHA-256 of the trained weights; "" where it names none."""
        model = self.files.get(MODEL)
        return model.sha256 if model else ""


class ScoresRecord(SealedRecord):
    """`scores/<evaluation id>.json`, the commit of one evaluation."""

    id: str
    attempt: Name
    evaluation: Settings
    model: str
    """SHA-256 of the weights that were scored."""
    files: dict[str, FileRecord]
    rows: tuple[Annotated[ScoreRow, AnyVersion], ...]
    latents: LatentColumns
    aesweep_version: str
    extractor_weights: str = ""
    """SHA-256 of a feature network that was trained for the evaluation; "" where `extractor_sha256` says it all."""
    time: Annotated[Time, or_else("")] = ""
    """When it was committed; "" for an older version's."""
    launch: CutLine = ""
    """Name of its `LaunchRecord`; "" without one."""


def vacancy() -> bytes:
    """A new vacancy, as its file holds it."""
    return Vacancy(vacant=uuid.uuid4().hex).to_bytes()


def file_record(data: bytes) -> FileRecord:
    """What a commit says of a file: its SHA-256 and length in bytes."""
    return FileRecord(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))
