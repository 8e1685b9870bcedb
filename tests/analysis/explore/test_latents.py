"""Latents on the page: those of the trials asked for, in a table that may be huge, thinned out evenly."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aesweep.analysis.errors import ReportError
from aesweep.analysis.explore.latents import MOST_POINTS, latents
from tests.analysis.conftest import Synthetic, grid, write_store


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return write_store(tmp_path / "store", Synthetic(grid(latent_size=[4, 8]), latent_points=2 * MOST_POINTS))


def test_the_points_are_those_of_the_table(store: Path) -> None:
    table = pd.read_parquet(store / "tables" / "latents.parquet")
    key = table.key.iloc[-1]
    found = latents(store, [key])
    assert found.keys() == {key}
    for split in ("train", "test"):
        rows = table[(table.key == key) & (table.split == split)]
        points = rows[["z_a", "z_b"]].to_numpy()
        shown = np.array(found[key][split])
        assert len(shown) == min(MOST_POINTS, len(rows))
        assert abs(shown[[0, -1]] - points[[0, -1]]).max() <= 0.0005
    assert found[key]["units"] == [rows.dimension_a.iloc[0], rows.dimension_b.iloc[0]]


def test_numbers_that_are_not_finite_are_left_out_and_a_trial_without_points_has_none(store: Path) -> None:
    path = store / "tables" / "latents.parquet"
    table = pd.read_parquet(path)
    first, second = table.key.unique()
    table.loc[table.key == first, "z_a"] = np.nan
    table.to_parquet(path)
    assert latents(store, [first, second, "0" * 12]).keys() == {second}
    texts = {name: pa.array([str(value) for value in table[name]], pa.string()) for name in table}
    pq.write_table(pa.table(texts), path)
    assert latents(store, [first, second]).keys() == {second}, "a table from elsewhere may hold texts"
    path.unlink()
    assert latents(store, [second]) == {}
    path.write_bytes(b"no table")
    with pytest.raises(ReportError, match="aesweep tables"):
        latents(store, [second])
