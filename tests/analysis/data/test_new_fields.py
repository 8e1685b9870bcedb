"""A field, a source and a metric that `analysis` has never heard of reach its curves and tables, or are refused by name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.text.other_scores import other_tables
from aesweep.sweep.tables.schemas import columns_of
from tests.analysis.typed import Grid, MakeStore
from tests.fresh_process import run_python

WITH_A_FIELD = """
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from aesweep.models import config

@dataclass(frozen=True, kw_only=True)
class TrialConfig(config.TrialConfig):
    dropout: Annotated[float, "share of units dropped"] = 0.0

config.TrialConfig = TrialConfig  # before anything derives its columns from it
from aesweep.analysis import load_tables
from aesweep.analysis.data.trials import curves
from aesweep.analysis.text.summary import summary
from tests.analysis.conftest import Synthetic, grid, write_store

trials = [TrialConfig(latent_size=4, epochs=1, dropout=share) for share in (0.0, 0.25)]
tables = load_tables(write_store(Path(sys.argv[1]), Synthetic(trials, pictures=False)))
print([curve.label for curve, _ in curves(tables.described)], summary(tables, None).cells()["variant_name"].tolist())
"""


def test_a_new_field_of_the_configuration_tells_curves_apart(tmp_path: Path) -> None:
    done = run_python(f"import sys\n{WITH_A_FIELD}", tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "'DAE, 128 filters, dropout 0', 'DAE, 128 filters, dropout 0.25'" in done.stdout
    assert "['dropout 0', 'dropout 0.25']" in done.stdout


def test_a_field_without_a_meaning_is_refused_by_name() -> None:
    @dataclass
    class Record:
        dropout: float

    with pytest.raises(TypeError, match=r"Record\.dropout(.|\n)*Write its type and meaning"):
        columns_of(Record)


def test_a_new_source_and_a_new_metric_stand_among_the_other_scores(make_store: MakeStore, grid: Grid) -> None:
    def add(rows: dict[str, list[dict[str, Any]]]) -> None:
        like = next(row for row in rows["scores"] if row["source"] == "gmm")
        rows["scores"].append({**like, "source": "flow", "value": 7.0})
        rows["scores"].append({**like, "metric": "clip_distance", "value": 8.0})

    (table,) = other_tables(load_tables(make_store(grid(latent_size=[4], epochs=[1]), edit=add)))
    cells = table.cells().set_index("source_name")
    assert cells.loc["flow", "fd"] == "7.000" and cells.loc["GMM", "clip_distance"] == "8.000"
    assert [heading.text for heading in table.headings.values()][-2:] == ["FD", "clip_distance"]
