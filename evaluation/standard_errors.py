"""What the standard error of a score counts: the column `stderr_of`, the one definition of the column `stderr`.

A standard error is the standard deviation that the score would have if what it counts were drawn again and everything else
stayed the same: the trained network, the fitted priors, the settings. Training seeds are separate trials and never part of it.
"""

from dataclasses import replace

from aesweep.evaluation.descriptions import ROWS, SAMPLES_AND_REFERENCE, SIMULATED
from aesweep.evaluation.rows import ScoreRow

PAIRS = "images with their reconstructions"
_OF_FEATURES = ("fid", "fd", "kid", "kd", "fid_infinity", "fd_infinity", "fid_infinity_both", "fd_infinity_both")
NONE = "none"
"""No standard error."""
UNKNOWN = "unknown"
"""Not said yet."""


def stderr_of(row: ScoreRow) -> str:
    """What the standard error of a row that this version measured counts."""
    if row.stderr is None:
        return NONE
    if row.metric in _OF_FEATURES:
        return PAIRS if row.source == "reconstruction" else SAMPLES_AND_REFERENCE
    if row.metric in ROWS:
        return ROWS[row.metric].stderr_of
    return SIMULATED if row.metric.endswith("_null") else "latents"  # of Gaussianity


def with_stderr_of(rows: list[ScoreRow]) -> list[ScoreRow]:
    """The rows, each with its column `stderr_of`, unless a plug-in's row has it already."""
    return [row if row.stderr_of != UNKNOWN else replace(row, stderr_of=stderr_of(row)) for row in rows]
