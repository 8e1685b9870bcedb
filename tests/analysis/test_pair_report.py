"""Two stores on one page."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aesweep.analysis import ReportError, load_tables, write_pair
from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.side_by_side import Pair, differently_scored, pairs, sides
from aesweep.analysis.text.pair_tables import pair_answers, pair_table
from aesweep.models.config import TrialConfig
from tests.analysis.conftest import grid
from tests.analysis.typed import MakeStore, Rows, present


@pytest.fixture
def scored_store(make_store: MakeStore) -> Callable[..., Path]:
    """`scored_store(trials, value)`: a store in which every distance is what `value` says."""

    def make(trials: list[TrialConfig], value: Callable[[TrialConfig], float], **more: Any) -> Path:
        by_key = {trial.key: trial for trial in trials}

        def edit(rows: Rows) -> None:
            for row in rows["scores"]:
                row["value"] = float(value(by_key[row["key"]]))

        return make_store(trials, pictures=False, latent_points=0, edit=edit, **more)

    return make


def paired(first: Path, second: Path, **wishes: Any) -> list[Pair]:
    return list(pairs(*sides(load_tables(first), load_tables(second)), Wishes(**wishes)))


def test_the_settings_that_both_have_are_compared_and_what_differs_is_named(
    scored_store: Callable[..., Path], tmp_path: Path
) -> None:
    fields: dict[str, Any] = {"filters": [8, 16], "seed": [0, 1, 2]}
    short = scored_store(grid(latent_size=[4, 8], epochs=[1], **fields), lambda t: 60 + t.latent_size + 0.1 * t.seed)
    long = scored_store(grid(latent_size=[8, 16], epochs=[5], **fields), lambda t: 50 + t.latent_size + 0.1 * t.seed)
    (pair,) = paired(short, long)
    (answer,) = pair_answers(pair)
    assert answer.question == f"{short.name}, 1 epoch or {long.name}, 5 epochs?"
    assert answer.text.startswith(f"{long.name}, 5 epochs is better: on average over the 2 common settings")
    assert "score 10" in answer.text
    assert present(pair_table(pair)).caption.endswith("not comparable with published values.")
    table = present(pair_table(pair)).frame
    assert table["difference"].tolist() == pytest.approx([-10.0, -10.0]) and table["filters"].tolist() == ["8", "16"]

    index = write_pair((short, ""), (long, ""), tmp_path / "out")
    text = index.read_text()
    assert f"{short.name} and {long.name}" in text and "Fields that vary" in text
    files = {path.name for path in (tmp_path / "out" / "tables").glob("*.csv")}
    assert files == {"stores.csv", "pairs-fd-random-conv-64-digits-32.csv"}
    assert len(pd.read_csv(tmp_path / "out" / "tables" / "stores.csv")) == 9


def test_trials_that_are_in_both_stores_are_counted(scored_store: Callable[..., Path]) -> None:
    same = grid(latent_size=[4, 8], epochs=[1], seed=[0, 1])
    (pair,) = paired(scored_store(same, lambda t: t.seed), scored_store(same, lambda t: t.seed + 0.5))
    assert pair.repeated == 4
    assert "4 trials are in both stores" in pair_answers(pair)[1].text


def test_the_page_obeys_what_the_spec_asks_of_a_report(scored_store: Callable[..., Path]) -> None:
    fields: dict[str, Any] = {"filters": [8, 16], "latent_size": [4, 8, 16]}
    stores = [scored_store(grid(epochs=[epochs], **fields), lambda t: t.filters) for epochs in (1, 5)]
    (pair,) = paired(*stores, x="filters", score="mvg")
    layout = pair.sweep.layout
    assert pair.sweep.ranking.score == "mvg" and "MVG samples score" in pair_answers(pair)[0].text
    assert present(layout.x).name == "filters" and layout.line is pair.axis and layout.notices == ()
    (other,) = paired(*stores, line="filters")
    assert present(other.sweep.layout.line).name == "filters"


def test_distances_of_other_evaluations_and_other_data_are_not_compared(
    scored_store: Callable[..., Path], tmp_path: Path
) -> None:
    first = scored_store(grid(latent_size=[4], epochs=[1]), lambda _: 1.0)
    other = (("d" * 12, "fd", "random-conv-64"),)
    second = scored_store(grid(latent_size=[4], epochs=[1]), lambda _: 1.0, evaluations=other)
    assert paired(first, second) == []
    assert [one.title for one in differently_scored(*sides(load_tables(first), load_tables(second)))] == [
        "fd on random-conv-64 features"
    ]
    text = write_pair((first, ""), (second, ""), tmp_path / "out").read_text()
    assert "so nothing is compared" in text and "scored with other settings" in text
    elsewhere = scored_store(grid(dataset=["cifar10"], latent_size=[4], epochs=[1]), lambda _: 1.0)
    assert paired(first, elsewhere) == []


def named(images: str, name: str) -> list[TrialConfig]:
    return grid(dataset=["folder"], data_identity=[images * 64], data_label=[name], latent_size=[4, 8], epochs=[1])


def test_the_same_images_under_two_names_are_compared_and_both_names_are_shown(
    scored_store: Callable[..., Path], tmp_path: Path
) -> None:
    first, second = (scored_store(named("a", name), lambda t: t.latent_size) for name in ("faces", "people"))
    (pair,) = paired(first, second)
    assert pair.sweep.data == "faces/people-32" and pair.repeated == 2
    assert present(pair_table(pair)).frame["difference"].tolist() == [0.0, 0.0]
    text = write_pair((first, ""), (second, ""), tmp_path / "out").read_text()
    assert "faces/people-32" in text
    assert (tmp_path / "out" / "tables" / "pairs-fd-random-conv-64-faces-people-32.csv").is_file()
    unnamed = scored_store(named("a", ""), lambda t: t.latent_size)
    assert [pair.sweep.data for pair in paired(first, unnamed)] == ["faces-32"]


def test_other_images_of_the_same_name_are_not_compared(scored_store: Callable[..., Path]) -> None:
    first, second = (scored_store(named(images, "faces"), lambda t: t.latent_size) for images in "ab")
    assert paired(first, second) == []
    shown = [set(side.tables.described["data"]) for side in sides(load_tables(first), load_tables(second))]
    assert shown == [{"faces-aaaaaaaa-32"}, {"faces-bbbbbbbb-32"}]


def test_a_page_on_two_stores_is_not_written_into_one_of_them(scored_store: Callable[..., Path]) -> None:
    first, second = (scored_store(grid(latent_size=[4], epochs=[1]), lambda _: 1.0) for _ in range(2))
    with pytest.raises(ReportError, match="outside both"):
        write_pair((first, ""), (second, ""), first / "report")
