"""What `aesweep evaluate` reads from its options."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.errors import InputError
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.spec.sweep_spec import SweepSpec
from tests.in_process import run_aesweep
from tests.small_store import copy_at_rest


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--sampling-seeds", "0.5..2.5", "whole number"),
        ("--sampling-seeds", "1.5", "whole number"),
        ("--sampling-seeds", "a", "whole number"),
        ("--sampling-seeds", "1,1", "different"),
        ("--sampling-seeds", "3..1", "empty"),
        ("--metrics", "beauty", "frechet"),
        ("--metrics", ",", "missing"),
        ("--extractor", "vgg", "inception-2015"),
    ],
)
def test_what_cannot_be_scored_is_refused_by_its_option(small_store: Path, option: str, value: str, says: str) -> None:
    ended = run_aesweep("evaluate", small_store, option, value)
    assert ended.is_refused_clearly, ended
    assert ended.err.startswith(f"{option}: ")
    assert says in ended.err


@pytest.mark.parametrize(
    ("words", "field", "says"),
    [
        (["--set", "latent_size=8"], "--set latent_size", "That makes other trials"),
        (["--set", "beta=1"], "--set beta", "That makes other trials"),
        (["--set", "name=other"], "--set name", "That makes other trials"),
        (["--set", "gmm_components=0"], "--set gmm_components", "whole number from 1"),
        (["--set", "gmm_component=5"], "--set gmm_component", "gmm_components"),
        (["--set", "threads=0"], "--set threads", "whole number"),
        (["--seeds", "0", "--set", "evaluation.seeds=1"], "--set seeds", "already given by --sampling-seeds"),
        (["--extractor", "random-conv-64", "--set", "extractor=auto"], "--set extractor", "already given"),
    ],
)
def test_what_does_not_belong_to_scoring_is_refused(small_store: Path, words: list[str], field: str, says: str) -> None:
    ended = run_aesweep("evaluate", small_store, *words)
    assert ended.is_refused_clearly, ended
    assert ended.err.startswith(f"{field}: ") and says in ended.err


def test_seeds_in_another_order_are_the_same_evaluation(small_store: Path, tmp_path: Path) -> None:
    ids = set()
    for written in ("[1, 0]", "[0, 1]", "0..1", '"1, 0"'):
        path = tmp_path / "spec.yaml"
        path.write_text(f"blocks: [{{model: dae}}]\nevaluation: {{extractor: random-conv-64, seeds: {written}}}\n")
        ids.add(load_spec(path).evaluation_config().id)
    for override in ("evaluation.seeds=1,0", "sampling_seeds=1,0"):
        ids.add(load_spec(path, [override]).evaluation_config().id)
    for seeds in (EvaluationConfig(seeds=(0, 1)), EvaluationConfig(sampling_seeds=(0, 1))):  # type: ignore[call-arg]
        ids.add(replace(seeds, extractor_sha256=load_spec(path).evaluation_config().extractor_sha256).id)
        assert seeds.seeds == seeds.sampling_seeds == (0, 1)
    assert len(ids) == 1


def test_the_seeds_of_samples_have_a_new_name_and_are_not_taken_for_those_of_trials(tmp_path: Path) -> None:
    path = tmp_path / "spec.yaml"
    path.write_text("blocks: [{seeds: 0..1}]\nevaluation: {extractor: random-conv-64, sampling_seeds: 0..2}\n")
    spec = load_spec(path, ["sampling_seed=7"])
    assert [trial.seed for trial, _ in spec.trials] == [0, 1] and spec.evaluation_config().sampling_seeds == (7,)
    assert SweepSpec.from_json(spec.to_json()) == spec
    path.write_text("blocks: [{model: dae}]\nevaluation: {seeds: [1], sampling_seeds: [2]}\n")
    with pytest.raises(InputError, match="given twice"):
        load_spec(path)


def files(store: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}


def test_a_dry_run_says_what_an_evaluation_adds_and_changes_nothing(small_store: Path, tmp_path: Path) -> None:
    store = copy_at_rest(small_store, tmp_path / "store")
    before = files(store)
    ended = run_aesweep("evaluate", store, "--metrics", "frechet,kid", "--seeds", "0..4", "--dry-run")
    assert ended.code == 0 and files(store) == before
    adds, differs, costs = ended.err.splitlines()
    assert re.fullmatch(r"Adds evaluation [0-9a-f]{12} to 1 trial: frechet, kid with random-conv-64\.", adds)
    assert "seeds 0, 1, 2, 3, 4 (was 0)" in differs and "metrics frechet, kid (was frechet)" in differs
    assert costs.startswith(f"Measures {5 * 3 * 50 + 2 * 60} images: about ")
    assert re.search(r"about [\d.]+ (kB|MB) in the store", costs)
    again = run_aesweep("evaluate", store, "--dry-run")
    assert again.code == 0 and again.err.startswith("Nothing to do: 1 done")
