"""Table 1, and that `analysis` knows the same paper as the presets that launch it."""

from dataclasses import replace
from pathlib import Path

from aesweep.analysis import load_tables
from aesweep.analysis.data.paper import COMPARISON_SIZES, DATA_NAMES, EXPERIMENTS, SETTINGS, VAE_SETTINGS
from aesweep.analysis.text.paper_tables import table_1
from aesweep.sweep.spec.presets import CIFAR10, celeba_blocks, cifar10_blocks
from aesweep.sweep.tables.rows import config_row
from tests.analysis.typed import MakeStore

BLOCKS = (*cifar10_blocks(), *celeba_blocks())


def test_the_experiments_are_the_networks_of_the_presets(make_store: MakeStore) -> None:
    store = make_store(
        [trial for block in BLOCKS for trial in block.trials], states=dict.fromkeys(range(1116), "pending")
    )
    described = load_tables(store).described
    block_of = {trial.key: block.name for block in BLOCKS for trial in block.trials}
    columns = ["data", "model", "filters", "depth", "network"]
    launched = {(block_of[row["key"]], *(row[name] for name in columns)) for row in described.to_dict("records")}
    assert launched == set(EXPERIMENTS)


def test_the_settings_are_those_of_the_presets() -> None:
    launched = config_row(replace(CIFAR10, model="vae"))
    assert {name: launched[name] for name in (*SETTINGS, *VAE_SETTINGS)} == {**SETTINGS, **VAE_SETTINGS}
    assert set(COMPARISON_SIZES) == set(DATA_NAMES) == {experiment.data for experiment in EXPERIMENTS}


def test_table_1_counts_what_is_done(make_store: MakeStore) -> None:
    first, second, *_ = cifar10_blocks()
    states = dict.fromkeys(range(len(first.trials), len(first.trials) + len(second.trials)), "pending")
    table = table_1(load_tables(make_store([*first.trials, *second.trials], states=states, pictures=False)))
    rows = table.frame.set_index(["data", "filters", "model", "depth", "network"])
    dae, vae = (rows.xs(("cifar10-32", 32, model, "1", "")) for model in ("dae", "vae"))
    assert (dae["done"], dae["trials"], dae["sizes"]) == (51, 51, "32 to 1024 (17)")
    assert (vae["done"], vae["trials"], vae["sizes"]) == (0, 51, "–")
    assert len(rows) == len(EXPERIMENTS)


def test_a_store_without_the_papers_data_lists_its_own_networks_only(small_store: Path) -> None:
    table = table_1(load_tables(small_store))
    assert table.frame["model"].tolist() == ["dae", "vae"] and "papers" not in table.headings
