"""What a sweep cost, where the reader gives the price of a GPU-hour."""

from aesweep.analysis import load_tables
from aesweep.analysis.data.provenance import provenance
from tests.analysis.typed import Grid, MakeStore, Rows


def test_the_report_multiplies_the_gpu_hours_of_all_trials_by_the_price(make_store: MakeStore, grid: Grid) -> None:
    def on_gpus(rows: Rows) -> None:
        for row in rows["trials"]:
            row["gpu_seconds"] = 1800.0

    trials = grid(model=["dae"], filters=[16], latent_size=[4, 8, 16], epochs=[2])
    tables = load_tables(make_store(trials, edit=on_gpus))
    assert dict(provenance(tables, price=2.5))["Training cost"] == "3.75 (1.50 GPU-hours at 2.5 each)"
    assert "Training cost" not in dict(provenance(tables))
