"""A trial that was scored in two ways: in pandas its rows say which is which, also where an older aesweep made them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from aesweep.evaluation.config import ID_FIELDS
from aesweep.sweep.store.layout import FOLDED, scores_name
from aesweep.sweep.store.records.commits import file_record
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from tests.small_store import DONE, score_done, small_spec

NEW = ["gmm_components", "vae_latents", "changed_settings"]


@pytest.fixture
def root(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store, without its driver."""
    shutil.copytree(small_store, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "progress")
    return tmp_path / "store"


def fold(root: Path) -> pd.DataFrame:
    """The scores after a driver has begun."""
    TableWriter(open_store(root), anew=False).publish(force=True)
    return pd.read_parquet(root / "tables/scores.parquet")


def test_two_evaluations_that_differ_in_their_mixtures_are_told_apart_in_pandas(root: Path, data_dir: Path) -> None:
    spec = small_spec(data_dir)
    other = replace(spec.evaluation_config(), gmm_components=3, metrics=("frechet", "kid"), kid_subset_size=20)
    score_done(open_store(root), other, spec.execution)
    scores = fold(root)
    gmm = scores[(scores["source"] == "gmm") & (scores["metric"] == "fd")]
    two, three = (gmm[gmm["gmm_components"] == components] for components in (2, 3))
    assert two["evaluation"].tolist() == [spec.evaluation_config().id] and three["evaluation"].tolist() == [other.id]
    assert two["value"].item() != three["value"].item()
    assert scores.loc[scores["source"] != "gmm", "gmm_components"].isna().all()
    kernel = scores[scores["changed_settings"] == "kid_subset_size 20"]
    assert set(kernel["metric"]) == {"kd"} and len(kernel) == 5
    assert (scores.drop(kernel.index)["changed_settings"] == "none").all()
    assert set(scores["vae_latents"]) == {"none"}, "it is a DAE"
    # What the mixture does not decide is the same, and nothing but the evaluation's name sets the rows apart.
    rest = scores[(scores["metric"] == "fd") & (scores["source"] != "gmm")].drop(
        columns=["evaluation", "scored", "seconds"]
    )
    assert rest.duplicated(keep=False).all() and len(rest) == 8


def test_tables_of_before_these_columns_are_made_again_when_a_driver_begins(root: Path) -> None:
    whole = fold(root)
    older = pq.read_table(root / "tables/scores.parquet").drop_columns(NEW)
    pq.write_table(older, root / "tables/scores.parquet")
    folded = json.loads((root / FOLDED).read_bytes())
    files = {**folded["files"], "scores": file_record((root / "tables/scores.parquet").read_bytes()).to_json()}
    (root / FOLDED).write_bytes(sealed_json_bytes({**folded, "version": 3, "files": files}))
    assert not tables_are_current(open_store(root))
    pd.testing.assert_frame_equal(fold(root), whole)
    assert tables_are_current(open_store(root))


def test_a_commit_of_an_older_aesweep_gives_the_same_rows(root: Path, data_dir: Path) -> None:
    """It recorded the fields that there were; those that came later had the defaults of now."""
    whole = fold(root)
    path = root / scores_name(DONE.key, small_spec(data_dir).evaluation_config().id)
    commit = json.loads(path.read_bytes())
    commit["evaluation"] = {name: commit["evaluation"][name] for name in ID_FIELDS}
    path.write_bytes(sealed_json_bytes({name: value for name, value in commit.items() if name != "seal"}))
    before = path.read_bytes()
    found = fold(root)
    pd.testing.assert_frame_equal(found, whole)
    assert set(found["gmm_components"].dropna()) == {2}
    assert path.read_bytes() == before, "a commit is never written again"
