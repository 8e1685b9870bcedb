"""The rows of one metric: a value for each, or the reason why there is none."""

import pytest
import torch

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.priors.fitted_prior import PriorError
from aesweep.evaluation.rows import latent_score
from aesweep.evaluation.subject import Values, measured_rows
from aesweep.models.errors import NonFiniteError

ROW = latent_score(EvaluationConfig(), "", 5, None, note="a remark")


def decomposed() -> Values:
    return {"one": (float(torch.linalg.eigvalsh(torch.full((3, 3), torch.nan)).sum()), None, 3)}


@pytest.mark.parametrize("error", [NonFiniteError("broken"), PriorError("broken"), ValueError("broken")])
def test_what_cannot_be_measured_gives_every_row_with_the_reason(error: Exception) -> None:
    def measured() -> Values:
        raise error

    rows = measured_rows(ROW, ("one", "two"), measured)
    assert [(row.metric, row.value, row.note) for row in rows] == [
        ("one", None, "broken; a remark"),
        ("two", None, "broken; a remark"),
    ]


def test_a_decomposition_that_fails_does_not_fail_the_evaluation() -> None:
    (row,) = measured_rows(ROW, ("one",), decomposed)
    assert row.value is None and row.note.startswith("linalg.eigh: ")


def test_the_rows_share_the_seconds_and_have_their_own_numbers() -> None:
    rows = measured_rows(ROW, ("one", "two"), lambda: {"one": (1.0, 0.1, 7), "two": (2.0, None, 8)})
    assert [(row.metric, row.value, row.stderr, row.n) for row in rows] == [("one", 1.0, 0.1, 7), ("two", 2.0, None, 8)]
    assert rows[0].seconds == rows[1].seconds > 0 and rows[0].note == "a remark"
