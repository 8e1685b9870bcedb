"""Commits for tests of the store that need no training: small, valid, and quick to make."""

from collections.abc import Iterable

from aesweep.evaluation.rows import LatentRow, ScoreRow
from aesweep.models.training.epoch_record import EpochRecord
from aesweep.sweep.store.latent_columns import LatentColumns
from aesweep.sweep.store.records.commits import FileRecord, ScoresRecord, TrainingRecord, TrainingResult
from aesweep.sweep.store.records.whole_store import FoldedTables

EPOCH = EpochRecord(
    epoch=1,
    learning_rate=1e-3,
    loss=0.5512345,
    reconstruction=0.5512345,
    kl=None,
    seconds=10.123,
    images_per_second=4939.2,
    skipped_steps=0,
)
"""With as many digits as a training writes."""
NOW = "2026-01-01T00:00:00+00:00"
RESULT = TrainingResult(
    final_loss=0.7,
    final_reconstruction=0.7,
    final_kl=None,
    test_bce=0.7,
    mean_image_bce=0.8,
    images_train=10,
    images_test=5,
    train_seconds=1.0,
    gpu_seconds=0.0,
    images_per_second=10.0,
    device="cpu",
    threads=1,
    precision_used="fp32",
    torch_version="2.0",
    aesweep_version="0.1.0",
    node="here",
    resumed_from="none",
    resumed_with="none",
    started=NOW,
    ended=NOW,
)


def trained(attempt: str = "train-0001-aaaaaa", files: dict[str, FileRecord] | None = None) -> TrainingRecord:
    """The commit of a training without epochs."""
    return TrainingRecord(attempt=attempt, config={}, execution={}, files=files or {}, history=(), result=RESULT)


def scored(
    attempt: str = "score-0001-bbbbbb",
    rows: tuple[ScoreRow, ...] = (),
    model: str = "",
    files: dict[str, FileRecord] | None = None,
    latents: Iterable[LatentRow] = (),
) -> ScoresRecord:
    """The commit of an evaluation."""
    return ScoresRecord(
        id="e" * 12,
        attempt=attempt,
        evaluation={},
        model=model,
        files=files or {},
        rows=rows,
        latents=LatentColumns.of(latents),
        aesweep_version="0.1.0",
    )


def folded(commits: dict[str, str]) -> FoldedTables:
    """What a fold leaves that has read these versions of commits; its tables are not there."""
    return FoldedTables(version=0, aesweep="none", files={}, commits=commits, signatures={}, signature="none")
