"""The line that a launch prints for each scored trial."""

from typing import Any

import pytest

from aesweep.sweep.driver.outcome import score_line


def row(source: str, metric: str, value: float | None, split: str = "test") -> dict[str, Any]:
    return {"source": source, "metric": metric, "value": value, "split": split}


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
def test_the_line_shows_what_can_be_read_alone(rows: list[dict[str, Any]], line: str) -> None:
    assert score_line(rows) == line
