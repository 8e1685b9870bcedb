"""What is missing, why, and the command that brings it."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from aesweep.analysis import load_tables
from aesweep.analysis.data.results import all_results
from aesweep.analysis.text.gaps import gaps
from aesweep.analysis.text.missing_scores import ASKED_BY
from aesweep.evaluation.config import METRICS
from aesweep.models.config import TrialConfig
from aesweep.sweep.spec.presets import CIFAR10, PRESETS, celeba_blocks, cifar10_blocks
from aesweep.sweep.spec.sweep_spec import Block
from tests.analysis.conftest import grid
from tests.analysis.typed import MakeStore, Rows

FID = ("f" * 12, "fid", "inception-2015")


def _missing(store: Path) -> list[dict[str, Any]]:
    tables = load_tables(store)
    found = gaps(tables, all_results(tables)).frame.to_dict("records")
    return [{str(name): value for name, value in row.items()} for row in found]


def test_what_is_missing_is_listed_with_reasons(make_store: MakeStore) -> None:
    def no_gmm(rows: Rows) -> None:
        for row in rows["scores"]:
            if row["source"] == "gmm" and row["key"] == rows["trials"][0]["key"]:
                row |= {"value": None, "note": "the fit passed its deadline"}

    states = {1: "failed", 2: "pending", 3: "trained", 4: "running"}
    store = make_store(grid(latent_size=[2, 4, 8, 16, 32, 64], epochs=[2]), states=states, edit=no_gmm)
    rows = _missing(store)
    by_reason = {row["reason"]: row for row in rows}
    assert len(rows) == 5
    assert by_reason["NonFiniteLossError: loss is nan at step 150 of epoch 2"]["command"].endswith("--retry-failed")
    assert by_reason["not started yet"]["command"] == f"aesweep resume {store}"
    assert by_reason["trained, waits for its scores"]["command"] == f"aesweep resume {store}"
    assert by_reason["training now"]["command"] == ""
    deadline = by_reason["the fit passed its deadline"]
    assert deadline["what"].endswith(": fd (random-conv-64) of gmm, test split") and deadline["command"] == ""


def test_what_an_older_spec_lacks_is_brought_by_a_command_on_every_spec(make_store: MakeStore) -> None:
    """`resume` and `evaluate` do nothing for trials that only older specs ask for, unless they are given --all."""

    def of_older_specs(rows: Rows) -> None:
        first, second, third, fourth, fifth, last = rows["trials"]
        first |= {"sweep": "older", "latest": False}
        second |= {"sweep": "older", "latest": False}
        third |= {"sweep": "none", "latest": False}
        fourth |= {"latest": False}  # asked for by an earlier spec of the same name
        fifth |= {"sweep": "older", "latest": False}
        rows["scores"] = [row for row in rows["scores"] if row["key"] != fifth["key"]]
        rows["scores"] += [{**row, "metric": "precision"} for row in rows["scores"] if row["key"] == last["key"]]

    states = {0: "pending", 1: "failed", 2: "pending", 3: "failed"}
    store = make_store(grid(latent_size=[2, 4, 8, 16, 32, 64], epochs=[2]), states=states, edit=of_older_specs)
    rows = _missing(store)
    commands = [row["command"] for row in rows]
    assert commands[:4] == [f"aesweep resume {store} --all", f"aesweep resume {store} --all --retry-failed", "", ""]
    assert rows[3]["reason"] == "replaced: a corrected spec of the same name no longer asks for it"
    assert len(commands) == 6 and all(one.startswith(f"aesweep evaluate {store} --all --e") for one in commands[4:])


def test_trials_scored_under_one_evaluation_only_are_missing_from_the_other(make_store: MakeStore) -> None:
    def one_without_fid(rows: Rows) -> None:
        key = rows["trials"][0]["key"]
        rows["scores"] = [r for r in rows["scores"] if r["key"] != key or r["metric"] != "fid"]

    both = (FID, ("e" * 12, "fd", "random-conv-64"))
    store = make_store(grid(latent_size=[4, 8], epochs=[2]), evaluations=both, edit=one_without_fid)
    (row,) = _missing(store)
    assert row["what"].endswith(": FID") and row["reason"] == f"not scored by evaluation {'f' * 12} (10 components)"
    assert row["command"] == f"aesweep evaluate {store} --evaluation {'f' * 12}"


def test_a_complete_store_misses_nothing(small_store: Path) -> None:
    assert _missing(small_store) == []


def paper_trials(*blocks: Block) -> list[TrialConfig]:
    return [trial for block in blocks for trial in block.trials]


def test_the_complete_paper_sweep_misses_nothing(make_store: MakeStore) -> None:
    store = make_store(
        paper_trials(*cifar10_blocks(), *celeba_blocks()), evaluations=(FID,), pictures=False, latent_points=0
    )
    assert _missing(store) == []


def test_every_gap_of_the_paper_has_the_command_that_fills_it(make_store: MakeStore) -> None:
    first, *_ = cifar10_blocks()
    rows = _missing(make_store(paper_trials(first), evaluations=(FID,), pictures=False, latent_points=0))
    blocks = {block.name: preset for preset in ("paper-cifar10", "paper-celeba") for block in PRESETS[preset]().blocks}
    asked = {}
    for row in rows:
        aesweep, verb, preset, *options = shlex.split(row["command"])
        assert (aesweep, verb, options[0], options[2]) == ("aesweep", "launch", "--store", "--only")
        asked[options[3]] = preset
    del blocks[first.name]
    assert asked == blocks


def test_a_gap_in_a_sweep_with_other_settings_is_filled_with_those(make_store: MakeStore) -> None:
    short = [TrialConfig(**{**CIFAR10.to_json(), "filters": 32, "epochs": 5, "latent_size": 128})]
    rows = _missing(make_store(short, evaluations=(FID,), pictures=False, latent_points=0))
    assert all("--set epochs=5" in row["command"] for row in rows if "CIFAR-10" in row["what"])
    assert not any("--set" in row["command"] for row in rows if "CelebA" in row["what"])


@pytest.mark.parametrize(("state", "command"), [("pending", "resume"), ("done", "evaluate")])
def test_a_gap_that_the_store_has_asked_for_is_filled_by_going_on(
    make_store: MakeStore, state: str, command: str
) -> None:
    first, *_ = cifar10_blocks()
    states = dict.fromkeys(range(len(first.trials)), state)
    store = make_store(paper_trials(first), states=states, pictures=False, latent_points=0)  # scored by fd only
    row = next(row for row in _missing(store) if row["what"].startswith("CIFAR-10: DAE, 32 filters, depth 1"))
    assert row["command"].startswith(f"aesweep {command} {store}")
    assert row["reason"] == {"pending": "not finished", "done": "no FID"}[state]


def test_every_metric_that_was_asked_for_is_looked_at(make_store: MakeStore) -> None:
    def with_precision(rows: Rows) -> None:
        """Precision could not be computed for the first trial, and nobody measured it on the last."""
        first, *others, _ = [row["key"] for row in rows["trials"]]
        samples = [row for row in rows["scores"] if row["source"] == "gmm" and row["key"] in (first, *others)]
        for row in samples:
            failed = {"value": None, "note": "too few samples"} if row["key"] == first else {}
            rows["scores"].append({**row, "metric": "precision", **failed})

    store = make_store(grid(latent_size=[2, 4, 8], epochs=[2]), edit=with_precision)
    lacking, null = sorted(_missing(store), key=lambda row: row["reason"])
    assert null["what"].endswith(": precision (random-conv-64) of gmm, test split") and null["command"] == ""
    assert null["reason"] == "too few samples"
    assert lacking["what"].endswith(": prdc (random-conv-64)")
    assert lacking["command"] == f"aesweep evaluate {store} --extractor random-conv-64 --metrics prdc"


def test_what_many_trials_lack_for_one_reason_is_one_line(make_store: MakeStore) -> None:
    def no_gmm(rows: Rows) -> None:
        for row in rows["scores"]:
            row |= {"value": None, "note": "no memory"} if row["source"] == "gmm" else {}

    (row,) = _missing(make_store(grid(latent_size=[2, 4, 8, 16], epochs=[2]), edit=no_gmm))
    assert row["what"] == "4 trials: fd (random-conv-64) of gmm, test split"


def test_every_metric_of_a_spec_is_known_to_the_gaps() -> None:
    assert set(METRICS) - {"frechet"} == set(ASKED_BY.values())
