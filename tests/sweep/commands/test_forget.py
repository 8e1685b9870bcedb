"""`aesweep forget`: what it removes, what it leaves, and that nothing half removed is taken for a result."""

import itertools
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.status import read_status
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store import storage as any_storage
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.frozen_claims import FrozenClaims, write_frozen
from aesweep.sweep.store.records.launches import LaunchProgress
from aesweep.sweep.store.removal.forget import remove, trial_removal
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.store.verify import verify
from aesweep.sweep.tables.fold import TableWriter
from tests.in_process import run_aesweep
from tests.records import scored, trained

FIRST, SECOND, SHARED = (TrialConfig(filters=2, latent_size=size, epochs=1) for size in (2, 3, 4))
USUAL, LARGER = (EvaluationConfig(extractor="random-conv-64", samples=samples) for samples in (50, 100))


def spec_of(name: str, *trials: TrialConfig) -> SweepSpec:
    return SweepSpec(name=name, blocks=(Block("all", trials),), extractor="random-conv-64", evaluation={"samples": 50})


ROW = ScoreRow(source="mvg", split="test", metric="fd", value=1.0, n=5, reference_split="test", sampling_seed=0)
OLDER, LATEST = spec_of("older", FIRST, SHARED), spec_of("latest", SECOND, SHARED)


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Two specs that share a trial; all trials trained and scored, the first of them in two ways."""
    monkeypatch.setattr(any_storage, "SETTLE_SECONDS", 0.0)  # nobody else commits here
    place = tmp_path / "store" if request.param == "local" else request.getfixturevalue("uri")
    opened = open_store(place, create=True)
    for spec, evaluation in ((OLDER, LARGER), (LATEST, USUAL)):
        opened.trials.record(spec, evaluation.id, latest=True)
        write_frozen(opened.records, claims(spec, evaluation))
    for config in (FIRST, SECOND, SHARED):
        train(opened, config)
        score(opened, config, USUAL)
    score(opened, FIRST, LARGER)
    score(opened, SHARED, LARGER)
    TableWriter(opened).publish(force=True)
    return opened


def claims(spec: SweepSpec, evaluation: EvaluationConfig) -> FrozenClaims:
    """What a launch freezes: the store knows by it which evaluation a spec was launched with."""
    keys = tuple(config.key for config, _ in spec.trials)
    time = f"2026-01-0{1 + (spec is LATEST)}T00:00:00+00:00"
    about: dict[str, Any] = {"claims": "0" * 64, "thresholds": {}, "own": "", "own_file": "", "sentences": ()}
    about |= {"seen": (), "seen_otherwise": (), "time": time, "aesweep": "test"}
    return FrozenClaims(spec=spec.hash, evaluation=evaluation.id, keys=keys, **about)


def train(store: Store, config: TrialConfig) -> str:
    attempt = store.attempts.new(config.key, "train")
    files = {
        name: store.attempts.write_file(config.key, attempt, name, name.encode()) for name in ("model.safetensors",)
    }
    store.commits.commit_training(config.key, trained(attempt, files))
    return attempt


def score(store: Store, config: TrialConfig, evaluation: EvaluationConfig) -> None:
    training = store.commits.training(config.key)
    assert training is not None
    attempt = store.attempts.new(config.key, "evaluate", evaluation.id)
    files = {
        name: store.attempts.write_file(config.key, attempt, name, bytes(1000))
        for name in ("latents.npz", "samples/mvg.png")
    }
    record = scored(attempt, (ROW,), model=training.files["model.safetensors"].sha256, files=files)
    record = record.model_copy(update={"id": evaluation.id, "evaluation": evaluation.to_json()})
    assert store.commits.commit_scores(config.key, evaluation.id, record)


def states(store: Store) -> dict[str, str]:
    """Of all trials that the store knows, by key."""
    listed = store.snapshot()
    return {key: listed.state(key, USUAL.id, ()).state for key in listed.trials.known_keys()}


def files_of(store: Store, folder: str = "") -> dict[str, bytes]:
    """Every file below a folder, without the tables, which have a new word at each publication."""
    listing = store.storage.listing(folder, 9)
    names = [name for name, version in listing.items() if not version.startswith(any_storage.FOLDER)]
    return {name: store.storage.read(name) or b"" for name in names if not name.startswith("tables/")}


def table(store: Store, name: str) -> pd.DataFrame:
    file = store.storage.open(f"tables/{name}.parquet")
    assert file is not None
    return pd.read_parquet(file)


def test_a_trial_is_removed_with_its_scores_and_can_be_trained_again(store: Store) -> None:
    before, beside = files_of(store), files_of(store, f"trials/{SECOND.key}")
    would = run_aesweep("forget", store.root, FIRST.name[:-3], "--dry-run")
    assert would.code == 0 and files_of(store) == before
    assert re.search(r"Would remove 1 trial: 9 files, 0.0 MB", would.out), would.out
    done = run_aesweep("forget", store.root, FIRST.name, "--yes")
    assert done.code == 0, done.err
    assert (
        "The spec older still asks for the trial: `aesweep resume " in done.out and "--all` trains it again" in done.out
    )

    assert set(states(store)) == {SECOND.key, SHARED.key} == set(table(store, "trials")["key"])
    assert FIRST.key not in set(table(store, "scores")["key"])
    assert files_of(store, f"trials/{SECOND.key}") == beside
    assert verify(store).findings == [] and read_status(store, every_spec=True).counts["pending"] == 1
    assert run_aesweep("forget", store.root, FIRST.key, "--yes").is_refused_clearly

    store.trials.write_config(FIRST)
    assert train(store, FIRST).startswith("train-0002-"), "an earlier failure may bear the first number"
    assert states(store)[FIRST.key] == "trained"


def test_a_forgotten_trial_makes_no_name_ambiguous(store: Store) -> None:
    """A spec still asks for it, so that its name is known; `list` shows the others alone."""
    beginning = "digits-dae-f2-d1-z"
    assert "3 trials of this store begin so" in run_aesweep("why", store.root, beginning).err
    for config in (FIRST, SECOND):
        assert run_aesweep("forget", store.root, config.key, "--yes").code == 0
    shown = run_aesweep("why", store.root, beginning)
    assert shown.code == 0 and shown.out.startswith(SHARED.name), shown.err
    assert "It is not trained yet" in run_aesweep("why", store.root, FIRST.name[:-3]).err


def test_an_evaluation_is_removed_of_all_trials(store: Store) -> None:
    done = run_aesweep("forget", store.root, LARGER.name, "--yes")
    assert done.code == 0 and "Removes scores of 2 trials: 6 files" in done.out, done
    assert set(states(store).values()) == {"done"}
    assert table(store, "evaluations")["name"].tolist() == [USUAL.name]
    assert not any(LARGER.id in name and name.endswith((".npz", ".png")) for name in files_of(store))
    assert verify(store).findings == []
    done = run_aesweep("forget", store.root, USUAL.id[:5], "--yes")
    assert "still asks for these scores" in done.out and set(states(store).values()) == {"trained"}


def test_a_spec_goes_with_the_trials_and_scores_that_only_it_asks_for(store: Store) -> None:
    done = run_aesweep("forget", store.root, "older", "--yes")
    assert done.code == 0 and "Removes the spec older, 1 trial, scores of 1 trial: " in done.out, done
    assert set(states(store)) == {SECOND.key, SHARED.key}
    assert store.snapshot().commits.scored(SHARED.key) == [USUAL.id]
    assert [spec.name for spec in store.trials.specs()] == ["latest"] and read_status(store).sweep == "latest"
    assert verify(store).findings == []


def test_without_the_latest_spec_the_one_before_it_is_the_latest(store: Store) -> None:
    done = run_aesweep("forget", store.root, LATEST.hash, "--yes")
    assert "The latest spec is now older." in done.out
    assert set(states(store)) == {FIRST.key, SHARED.key}
    assert store.trials.latest_evaluation() == LARGER.id and read_status(store).counts["done"] == 2
    assert run_aesweep("forget", store.root, OLDER.hash, "--yes").code == 0
    assert states(store) == {} and store.trials.latest() is None
    assert table(store, "trials").empty and table(store, "evaluations").empty


def test_nothing_is_removed_while_a_driver_works_or_nobody_agrees(store: Store) -> None:
    before = files_of(store)
    refused = run_aesweep("forget", store.root, FIRST.key)
    assert refused.is_refused_clearly and refused.err.startswith("--yes is missing.\n")
    assert files_of(store) == before
    driver = ProgressFile(store)
    driver.write(LaunchProgress(running={}), force=True)
    refused = run_aesweep("forget", store.root, FIRST.key, "--yes")
    assert refused.is_refused_clearly and "aesweep stop" in refused.err
    driver.remove()
    assert files_of(store) == before


def test_what_means_nothing_or_several_things_is_refused(store: Store) -> None:
    for word in ("digits-", "random", "faces", "", "../latest", "x" * 5000):
        refused = run_aesweep("forget", store.root, word, "--yes")
        assert refused.is_refused_clearly, (word, refused)
    store.trials.record(replace(spec_of("older", SHARED)), USUAL.id, latest=False)
    refused = run_aesweep("forget", store.root, "older", "--yes")
    assert refused.is_refused_clearly and OLDER.hash in refused.err


def test_an_attempt_that_slept_or_began_meanwhile_is_neither_believed_nor_lost(store: Store) -> None:
    sleeper = store.attempts.new(FIRST.key, "train")
    weights = {"model.safetensors": store.attempts.write_file(FIRST.key, sleeper, "model.safetensors", b"late")}
    found = trial_removal(store, FIRST.key)
    assert remove(store, [found]) == []
    store.attempts.write_file(FIRST.key, sleeper, "model.safetensors", b"late")
    assert not store.commits.commit_training(FIRST.key, trained(sleeper, weights))
    assert not store.commits.has_training(FIRST.key)

    found = trial_removal(store, SECOND.key)
    assert remove(store, [found]) == []
    store.trials.write_config(SECOND)
    newer = train(store, SECOND)
    assert remove(store, [found]) == [found]
    commit = store.commits.training(SECOND.key)
    assert commit is not None and commit.attempt == newer
    assert [one for one in verify(store).findings if one.key == SECOND.key] == []


class Killed(BaseException):
    """What a SIGKILL is to a test."""


def dying_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    """Raise `Killed` in place of the call of this number by which a name comes or goes."""
    counter = itertools.count()

    def counting(real: Callable[..., None]) -> Callable[..., None]:
        def call(*words: Any, **options: Any) -> None:
            if next(counter) >= step:  # the dead do nothing more, not even in a `finally`
                raise Killed
            real(*words, **options)

        return call

    for name in ("unlink", "rmdir", "replace", "link", "mkdir"):
        monkeypatch.setattr(os, name, counting(getattr(os, name)))


def test_a_kill_at_any_moment_leaves_nothing_that_is_taken_for_a_result(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial that is half removed counts as not scored or not trained; the same command goes on."""
    if store.storage.folder is None:
        pytest.skip("the calls that are counted are those of a file system")
    reached = set()
    for step in itertools.count():
        shutil.copytree(store.root, tmp_path / str(step))
        copy = open_store(tmp_path / str(step))
        removal, ended = trial_removal(copy, FIRST.key), True
        with monkeypatch.context() as patched:
            dying_at(patched, step)
            try:
                remove(copy, [removal])
            except Killed:
                ended = False
        left = open_store(copy.root)
        reached.add(states(left).get(FIRST.key, "gone"))
        assert [one for one in verify(left).findings if one.work != "fold" and "scores" not in one.name] == []
        for evaluation in left.snapshot().commits.scored(FIRST.key):
            assert left.commits.has_model(FIRST.key), evaluation
        assert remove(left, [trial_removal(left, FIRST.key)]) == []
        assert FIRST.key not in states(left)
        shutil.rmtree(copy.root)
        if ended:
            break
    assert reached == {"done", "trained", "pending", "gone"} and step > 10


def test_no_link_is_followed_out_of_the_store(store: Store, tmp_path: Path) -> None:
    if store.storage.folder is None:
        pytest.skip("an object store has no links")
    outside = tmp_path / "outside"
    (outside / "folder").mkdir(parents=True)
    (outside / "folder" / "file").write_text("kept")
    trial = Path(store.root) / "trials" / FIRST.key
    (trial / "more").symlink_to(outside / "folder")
    (trial / "attempts" / "train-0009-abcdef").symlink_to(outside / "folder")
    (trial / "failures").symlink_to(outside / "folder")
    assert run_aesweep("forget", store.root, FIRST.key, "--yes").code == 0
    assert (outside / "folder" / "file").read_text() == "kept"
    assert {path.name for path in trial.iterdir()} <= {"attempts", "scores", "train.json", "pruned.json", "failures"}
    assert not any(path.is_symlink() for path in trial.rglob("*"))
