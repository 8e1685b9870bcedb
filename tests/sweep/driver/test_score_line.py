"""The line that a launch prints for each scored trial."""

import pytest

from aesweep.evaluation.rows import ScoreRow, Source
from aesweep.models.data.datasets import Split
from aesweep.sweep.driver.outcome import score_line


def row(source: Source, metric: str, value: float | None, split: Split = "test") -> ScoreRow:
    return ScoreRow(source=source, metric=metric, value=value, split=split, n=1, reference_split=split, sampling_seed=0)


@pytest.mark.parametrize(
    ("rows", "line"),
    [
        ([], "no scores"),
        (
            [row("reconstruction", "fd", 0.12, "train"), row("mvg", "kd", 3.0), row("gmm", "fd", None)],
            "fd: reconstruction (train) 0.12, gmm none",
        ),
        (
            [row("latents", "loglikelihood_gap", 0.03), row("latents", "radius_ks", 0.5)],
            "latents: loglikelihood_gap 0.03",
        ),
        (
            [
                row("mvg", "heldout_loglikelihood", -1.25),
                row("mvg", "train_loglikelihood", -1.0),
                row("gmm", "heldout_loglikelihood", None),
                row("gmm", "em_iterations", 12.0),
            ],
            "held-out log-likelihood: mvg -1.25, gmm none",
        ),
        ([row("mvg", "kd", 3.0), row("gmm", "kd", 2.0)], "2 scores"),
    ],
)
def test_the_line_shows_what_can_be_read_alone(rows: list[ScoreRow], line: str) -> None:
    assert score_line(rows) == line
