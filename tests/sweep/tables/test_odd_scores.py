"""A commit of scores whose fields are not what they should be never stops the tables of the other trials."""

from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.store.layout import scores_name
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.rows import joined_tables, read_results, trial_rows
from aesweep.sweep.tables.schemas import COLUMNS
from tests.records import scored

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
EVALUATION = "0123456789ab"
ROW: dict[str, Any] = {
    "source": "mvg",
    "split": "test",
    "reference_split": "test",
    "metric": "none",
    "note": "none",
    **dict.fromkeys(("value", "stderr", "seconds"), 1.0),
    **dict.fromkeys(("n", "n_reference", "seed"), 1),
    "extractor": "random-conv-64",
}
ODD = [3, 0.5, True, "x", [], ["x"], {}, {"x": 1}, None, 2**70, -1, "\ud800"]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    opened.trials.write_config(TRIAL)
    return opened


def scores(store: Store, row: dict[str, Any], evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of the scores table; none where the commit was set aside."""
    commit = {**scored("score-0001-a").to_json(), "rows": [row], "evaluation": evaluation}
    store.storage.write(scores_name(TRIAL.key, EVALUATION), sealed_json_bytes(commit))
    tables = joined_tables(
        [trial_rows(read_results(store, TRIAL.key), sweep="a", block="b", state="done", evaluation=EVALUATION)]
    )
    found: list[dict[str, Any]] = tables["scores"].to_pylist()
    return found


def test_what_is_as_it_should_be_is_in_the_table(store: Store) -> None:
    (row,) = scores(store, ROW, {"extractor_sha256": "abc", "reference_seed": 5})
    assert (row["extractor_sha256"], row["reference_seed"], row["value"]) == ("abc", 5, 1.0)
    (row,) = scores(store, ROW, {"extractor_sha256": None, "reference_seed": None})
    assert (row["extractor_sha256"], row["reference_seed"]) == ("none", None)
    assert len(scores(store, ROW, {})) == 1
    asked = EvaluationConfig(gmm_components=7, kid_subsets=3).to_json()
    (row,) = scores(store, {**ROW, "source": "gmm", "metric": "kd"}, asked)
    assert (row["gmm_components"], row["vae_latents"], row["changed_settings"]) == (7, "none", "kid_subsets 3")
    (row,) = scores(store, {**ROW, "source": "gmm", "metric": "fd_mixture", "gmm_components": 100}, asked)
    assert row["gmm_components"] == 100


@pytest.mark.parametrize("name", [column.name for column in COLUMNS["scores"]])
def test_a_field_of_another_type_sets_the_commit_aside_or_is_not_used(store: Store, name: str) -> None:
    for value in ODD:
        for row, evaluation in (({**ROW, name: value}, {}), (ROW, {name: value})):
            assert len(scores(store, row, evaluation)) <= 1


@pytest.mark.parametrize("name", [field.name for field in fields(EvaluationConfig)])
def test_a_setting_of_another_type_sets_the_commit_aside_or_is_not_used(store: Store, name: str) -> None:
    asked = EvaluationConfig().to_json()
    for value in ODD:
        for metric in ("fd", "kd", "recall"):
            row = {**ROW, "source": "gmm", "metric": metric}
            assert len(scores(store, row, {**asked, name: value})) <= 1
