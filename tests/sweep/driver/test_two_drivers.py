"""Two drivers on one store at once, with different bits: whose ever a commit is, it is whole, and nothing is doubled."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.store.layout import LATENTS
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.worker import evaluation_stages
from aesweep.sweep.worker.training_attempt import MODEL
from tests.sweep.conftest import run_cli, start_cli
from tests.sweep.driver.aftermath import assert_nothing_left_in

pytestmark = [pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)]
# No checkpoints: an attempt that goes on from another driver's one would rightly hold bits of both.
SPEC = """
name: twice
data: {dataset: digits}
base: {filters: 4, epochs: 3, batch_size: 64}
blocks:
  - {name: all, model: [dae, vae], latent_size: [2, 3]}
evaluation: {extractor: random-conv-64, samples: 100, priors: [mvg]}
execution: {checkpoint_seconds: 1000}
"""
THREADS = (1, 2)  # another number of threads adds up in another order, so every weight differs in its last bits


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "twice.yaml"
    path.write_text(SPEC)
    return path


def weights(store: Store) -> dict[str, str]:
    """SHA-256 of each trial's committed weights."""
    commits = {key: store.commits.training(key) for key in store.trials.known_keys()}
    return {key: commit.files[MODEL].sha256 for key, commit in commits.items() if commit}


def encoded_again(store: Store, key: str) -> Iterator[str]:
    """SHA-256 of the latents that the committed weights give, with each number of threads."""
    spec = store.trials.stored_specs()[-1]
    for threads in THREADS:
        attempt = store.attempts.new(key, "evaluate", spec.evaluation_config().id)
        execution = replace(spec.execution, threads=threads)
        job = EvaluationJob(str(store.root), key, attempt, spec.evaluation_config(), execution)
        yield evaluation_stages.encode(job, after=True).files[LATENTS].sha256


def test_two_drivers_with_different_bits_never_mix_them(spec: Path, tmp_path: Path, own_env: dict[str, str]) -> None:
    begin = ("launch", spec, "--store", tmp_path / "both", "--set")
    both = [start_cli(*begin, f"threads={threads}", cwd=tmp_path, env=own_env) for threads in THREADS]
    for process in both:
        _, said = process.communicate(timeout=400)
        assert process.returncode == 0, said
    alone = {}
    for threads in THREADS:
        place = tmp_path / f"alone-{threads}"
        words = ("launch", spec, "--store", place, "--set", f"threads={threads}")
        assert run_cli(*words, cwd=tmp_path, env=own_env, timeout=400).returncode == 0
        alone[threads] = place
    undisturbed = {threads: weights(open_store(place)) for threads, place in alone.items()}
    assert not set(undisturbed[1].values()) & set(undisturbed[2].values()), "the two drivers give different bits"

    store = open_store(tmp_path / "both")
    trials = pd.read_parquet(tmp_path / "both/tables/trials.parquet").set_index("key")
    assert set(trials.state) == {"done"} and trials.index.is_unique
    tried = [store.attempts.of(key, "train") for key in trials.index]
    assert max(map(len, tried)) > 1, "both tried the same trial"
    assert_every_committed_file_is_whole(store)
    assert weights(store) == {str(key): undisturbed[row.threads][str(key)] for key, row in trials.iterrows()}
    assert_epochs_are_those_of(alone, tmp_path / "both", trials)
    assert_pictures_and_latents_are_of_one_attempt(store, trials, tmp_path)
    assert_nothing_left_in(tmp_path / "both")


def assert_every_committed_file_is_whole(store: Store) -> None:
    """`read_file` compares SHA-256 and length."""
    for key in store.trials.known_keys():
        for commit in (store.commits.training(key), *(store.commits.scores(key, e) for e in store.commits.scored(key))):
            assert commit is not None
            for name, record in commit.files.items():
                store.attempts.read_file(key, commit.attempt, name, record)


def assert_epochs_are_those_of(alone: dict[int, Path], both: Path, trials: pd.DataFrame) -> None:
    """Every trial's losses are those of the driver that its row names, and no other's; the log of its attempt says so too."""
    columns = ["epoch", "learning_rate", "loss", "reconstruction", "kl"]
    epochs = {place: pd.read_parquet(place / "tables/epochs.parquet") for place in (both, *alone.values())}
    assert not epochs[both].duplicated(["key", "epoch"]).any()
    for key, trial in trials.iterrows():
        mine, theirs = (
            frame[frame.key == key][columns].reset_index(drop=True)
            for frame in (epochs[both], epochs[alone[trial.threads]])
        )
        pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
        log = (both / f"trials/{key}/attempts/{trial.attempt}/log.txt").read_text()
        assert re.findall(r"epoch \d+/\d+  loss (\S+)", log) == [f"{loss:.6f}" for loss in mine.loss]
        assert f"{trial.threads} threads" in log


def assert_pictures_and_latents_are_of_one_attempt(store: Store, trials: pd.DataFrame, tmp_path: Path) -> None:
    """The scores' files lie in one attempt, and its latents are what the committed weights give, to the last bit."""
    scores = pd.read_parquet(store.storage.place("tables/scores.parquet"))
    assert not scores.duplicated(["key", "evaluation", "source", "split", "metric", "seed"]).any()
    copy = tmp_path / "copy"
    shutil.copytree(store.root, copy)
    for key, trial in trials.iterrows():
        (evaluation,) = store.commits.scored(str(key))
        commit = store.commits.scores(str(key), evaluation)
        assert commit is not None
        assert trial.pictures == f"trials/{key}/attempts/{commit.attempt}/samples"
        found = {path.name for path in (Path(store.root) / trial.pictures).iterdir()}
        assert found == {name.partition("/")[2] for name in commit.files if name.startswith("samples/")}
        assert commit.files[LATENTS].sha256 in set(encoded_again(open_store(copy), str(key)))
        values = [row.value for row in commit.rows]
        assert scores[scores.key == key].value.tolist() == values
