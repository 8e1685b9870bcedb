"""`aesweep list`, and the words by which verbs that take a KEY find a trial."""

import json
import re
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aesweep.models.errors import InputError
from aesweep.sweep.commands.listing import read_rows, sort_rows
from aesweep.sweep.driver.plan import selected_keys
from aesweep.sweep.store.store import Store, open_store
from tests.small_store import DONE, FAILED, HALF, copy_at_rest, small_spec
from tests.sweep.conftest import run_main


@pytest.fixture
def root(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store at rest: a trial that is done, one that is half trained, one that failed."""
    return copy_at_rest(small_store, tmp_path / "store")


@pytest.fixture
def store(root: Path) -> Store:
    return open_store(root)


Shown = tuple[int, str, str]


@pytest.fixture
def listed(root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """`aesweep list` with some words: exit code, output and errors."""

    def run(*words: str) -> Shown:
        code = run_main(monkeypatch, "list", root, *words)
        shown = capsys.readouterr()
        return code, shown.out, shown.err

    return run


def names(shown: Shown) -> list[str]:
    return [line.split()[0] for line in shown[1].splitlines()[1:-1]]


def test_every_trial_has_a_line_with_its_name_state_and_scores(listed: Any) -> None:
    code, out, _ = listed()
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split() == "name state test BCE reconstruction standard_normal mvg gmm".split()
    assert {tuple(line.split()[:2]) for line in lines[1:-1]} == {
        (DONE.name, "done"), (HALF.name, "pending"), (FAILED.name, "failed"),
    }  # fmt: skip
    assert len(next(line for line in lines if DONE.name in line).split()) == 7, "five numbers"
    assert re.fullmatch(r"3 trials; distances are fd of evaluation random-conv-64-n50-r60-k2-[0-9a-f]{12}\.", lines[-1])


def test_sorting_puts_trials_without_a_value_last(listed: Any) -> None:
    assert names(listed("--sort", "latent_size", "--reverse")) == [FAILED.name, HALF.name, DONE.name]
    assert names(listed("--sort", "gmm"))[0] == names(listed("--sort", "gmm", "--reverse"))[0] == DONE.name


def test_numbers_in_names_sort_as_numbers() -> None:
    ordered = ["faces-dae-z8-s0-2f", "faces-dae-z8-lr0.001-s0-1e7", "faces-dae-z8-lr0.01-s0-a", "faces-dae-z16-s0-b"]
    rows = sort_rows([{"name": name} for name in reversed(ordered)], "name", reverse=False)
    assert {row["name"] for row in rows[:3]} == set(ordered[:3]) and rows[3]["name"] == ordered[3]
    assert rows.index({"name": ordered[1]}) < rows.index({"name": ordered[2]})


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["state=failed"], [FAILED]),
        (["latent_size>=3"], [HALF, FAILED]),
        (["latent_size>2", "latent_size<4"], [HALF]),
        (["state!=done"], [HALF, FAILED]),
        (["gmm="], [HALF, FAILED]),
        (["gmm!="], [DONE]),
        (["gmm!=5"], [DONE, HALF, FAILED]),
        (["freeze_latent=true"], []),
        (["model=vae"], []),
    ],
    ids=lambda value: " ".join(value) if value and isinstance(value[0], str) else "",
)
def test_filters_compare_numbers_and_words(listed: Any, words: list[str], found: list[Any]) -> None:
    options = [option for word in words for option in ("--filter", word)]
    assert names(listed(*options, "--sort", "latent_size")) == [config.name for config in found]


def test_the_priors_that_were_scored_are_columns(root: Path, listed: Any) -> None:
    """Those of a plug-in too; a prior that the evaluation does not have is no empty column."""
    path = root / "tables" / "scores.parquet"
    scores = pd.read_parquet(path)
    scores.assign(source=scores.source.replace("mvg", "laplace"))[scores.source != "gmm"].to_parquet(path)
    out = listed("--sort", "laplace")[1]
    assert out.split("\n")[0].split() == "name state test BCE reconstruction standard_normal laplace".split()
    assert len(next(line for line in out.splitlines() if DONE.name in line).split()) == 6


def test_a_misspelt_field_is_answered_with_the_nearest_one(listed: Any) -> None:
    assert "There is no such field. Did you mean model? " in listed("--filter", "modl=dae")[2]


def test_json_holds_every_column(listed: Any) -> None:
    rows = json.loads(listed("--json", "--filter", "state=done")[1])
    assert [row["key"] for row in rows] == [DONE.key]
    assert rows[0]["gmm"] > 0 and rows[0]["latent_size"] == 2


def test_rows_of_other_scores_and_evaluations_take_no_memory(store: Store, root: Path) -> None:
    before = read_rows(store)
    path = root / "tables" / "scores.parquet"
    table = pd.read_parquet(path)
    many = pd.concat([table.assign(evaluation="0" * 12)] * (50_000 // len(table)))
    others = pd.concat([table.assign(metric="precision")] * (50_000 // len(table)))
    pd.concat([table, many, others]).to_parquet(path)
    tracemalloc.start()
    assert read_rows(store) == before and before[1].startswith("fd of evaluation ")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6, "as Python objects, 100,000 rows take 50 MB"


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["--sort", "fids"], "--sort: 'fids' cannot be used."),
        (["--filter", "fids=1"], "--filter: 'fids' cannot be used."),
        (["--filter", "state"], "--filter: 'state' cannot be used."),
        (["--filter", "latent_size=two"], "--filter: 'latent_size=two' cannot be used."),
    ],
    ids=" ".join,
)
def test_a_mistake_is_two_lines(listed: Any, words: list[str], first: str) -> None:
    code, out, err = listed(*words)
    assert (code, out, err.splitlines()[0], len(err.splitlines())) == (2, "", first, 2)


def test_a_trial_is_found_by_key_name_and_the_beginning_of_either(store: Store) -> None:
    words = DONE.name.removesuffix(f"-{DONE.key}")
    older = f"digits-dae-f2-d1-z2-s0-{DONE.key}"
    for word in (DONE.key, DONE.key[:5], DONE.name, words, words[: words.index("z2") + 2], older):
        assert store.trials.find(word) == DONE, word
    for word, reason in (
        ("digits-dae-f2", "3 trials of this store begin so; give more"),
        ("cifar10", "holds no such trial"),
        ("", "holds no such trial"),
        (f"digits-dae-f2-d1-z2-s0-{'0' * 12}", "holds no such trial"),
    ):
        with pytest.raises(InputError, match=reason):
            store.trials.find(word)


def test_a_trial_whose_configuration_is_unreadable_is_in_nobodys_way(store: Store) -> None:
    store.storage.write(f"trials/{FAILED.key}/config.json", b"{}")
    store.storage.write(f"trials/{'0' * 12}/config.json", b"{}")
    assert store.trials.find("digits-dae-f2-d1-z2") == DONE


def test_only_takes_the_beginning_of_names(data_dir: Path) -> None:
    spec = small_spec(data_dir)
    assert selected_keys(spec, [HALF.name[: HALF.name.index("z3") + 2]]) == {HALF.key}
    assert selected_keys(spec, ["digits"]) == {DONE.key, HALF.key, FAILED.key}
    with pytest.raises(InputError, match="Give the start of a trial's key or name, or a block"):
        selected_keys(spec, [replace(HALF, seed=5).name])
