"""A second evaluation of a trial takes over the latents and the priors of the first, and its numbers are the same."""

import errno
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.evaluation.rows import ScoreRow
from aesweep.models.networks.autoencoder import build_autoencoder
from aesweep.models.training.checkpoint import model_bytes
from aesweep.sweep.evaluation_job import EvaluationJob, Files, TrainedAgainError
from aesweep.sweep.load import load_prior
from aesweep.sweep.store.layout import LATENTS
from aesweep.sweep.store.records.commits import ScoresRecord
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.removal.prune import prune
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.worker import evaluation_stages
from tests.in_process import run_aesweep
from tests.small_store import DONE, score_done, small_spec

NO_TIME = 1e-9
"""A deadline that every EM misses."""


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Store:
    shutil.copytree(small_store, tmp_path / "store")
    shutil.rmtree(tmp_path / "store" / "progress")  # its driver is gone
    return open_store(tmp_path / "store")


@pytest.fixture
def first(data_dir: Path) -> EvaluationConfig:
    """The way in which the store's trial is scored."""
    return small_spec(data_dir).evaluation_config()


@pytest.fixture
def more(first: EvaluationConfig) -> EvaluationConfig:
    """Another one that needs the same latents and priors."""
    return replace(first, metrics=("gaussianity", "heldout_likelihood"), sampling_seeds=(1,))


def evaluate(store: Store, evaluation: EvaluationConfig, data_dir: Path, deadline: float = 3600.0) -> ScoresRecord:
    """Run the stages as the pool does; the commit."""
    score_done(store, evaluation, replace(small_spec(data_dir).execution, prior_deadline_seconds=deadline))
    commit = store.commits.scores(DONE.key, evaluation.id)
    assert commit is not None
    return commit


def test_latents_of_weights_that_were_replaced_meanwhile_get_no_scores(
    store: Store, more: EvaluationConfig, data_dir: Path
) -> None:
    """Another driver found the weights damaged and trained the trial again, to other bits, between two stages."""
    job = EvaluationJob(
        store.root, DONE.key, store.attempts.new(DONE.key, "evaluate", more.id), more, small_spec(data_dir).execution
    )
    references, ready = evaluation_stages.references(job)
    encoded = evaluation_stages.encode(job, ready)
    fitted = evaluation_stages.fit(job, encoded)
    sampled = evaluation_stages.sample(job, encoded, fitted, references)
    other = replace(DONE, seed=DONE.seed + 1)
    path = Path(store.root) / "trials" / DONE.key / "train.json"
    commit = json.loads(path.read_text())
    weights = model_bytes(build_autoencoder(other))
    model = store.attempts.write_file(DONE.key, commit["attempt"], "model.safetensors", weights)
    commit["files"]["model.safetensors"] = model.to_json()
    path.write_bytes(sealed_json_bytes(commit))
    with pytest.raises(TrainedAgainError):
        evaluation_stages.sample(job, encoded, fitted, references)
    with pytest.raises(TrainedAgainError):
        evaluation_stages.score(job, encoded, fitted, sampled, references)
    assert store.commits.scores(DONE.key, more.id) is None


def forget(store: Store) -> None:
    """The trial was never scored."""
    for path in (Path(store.root) / "trials" / DONE.key / "scores").iterdir():
        path.unlink()


def values(commit: ScoresRecord) -> list[ScoreRow]:
    return [replace(row, seconds=0.0) for row in commit.rows]


def fits(commit: ScoresRecord) -> Files:
    return {name: record for name, record in commit.files.items() if name.endswith(".npz")}


def test_latents_and_priors_are_taken_over_and_the_rows_are_those_of_a_fresh_evaluation(
    store: Store, first: EvaluationConfig, more: EvaluationConfig, data_dir: Path
) -> None:
    resampled = replace(first, sampling_seeds=(1, 2), metrics=("frechet", "gaussianity"))
    reused = evaluate(store, resampled, data_dir, deadline=NO_TIME)  # an EM would have failed
    earlier = store.commits.scores(DONE.key, first.id)
    assert earlier is not None
    assert fits(reused) == fits(earlier)
    assert set(fits(reused)) == {LATENTS, "priors-standard_normal.npz", "priors-mvg.npz", "priors-gmm.npz"}
    forget(store)
    fresh = evaluate(store, resampled, data_dir)
    assert values(fresh) == values(reused)
    assert fresh.files == reused.files
    assert all(row.value is not None for row in fresh.rows)


def test_held_out_likelihoods_are_measured_once(store: Store, more: EvaluationConfig, data_dir: Path) -> None:
    measured = evaluate(store, more, data_dir)
    assert {row.metric for row in measured.rows} > {"heldout_loglikelihood", "em_iterations", "radius_ks"}
    again = evaluate(store, replace(more, sampling_seeds=(2,)), data_dir, deadline=NO_TIME)
    assert values(again) == values(measured)


def test_the_second_evaluation_needs_no_file_of_the_first(
    store: Store, first: EvaluationConfig, more: EvaluationConfig, data_dir: Path
) -> None:
    commits = [store.commits.scores(DONE.key, first.id), evaluate(store, more, data_dir)]
    assert not [leftover.name for leftover in prune(store) if "/score-" in leftover.name]
    folders = [Path(store.root) / "trials" / DONE.key / "attempts" / commit.attempt for commit in commits if commit]
    before = load_prior(store, DONE.key, "gmm").to_bytes()
    shutil.rmtree(folders[0])
    (Path(store.root) / "trials" / DONE.key / "scores" / f"{first.id}.json").unlink()
    assert load_prior(store, DONE.key, "gmm").to_bytes() == before


def test_files_that_an_earlier_evaluation_wrote_are_shared_and_outlive_it(
    store: Store, first: EvaluationConfig, data_dir: Path
) -> None:
    earlier = store.commits.scores(DONE.key, first.id)
    later = evaluate(store, replace(first, metrics=("frechet", "reconstruction_error")), data_dir)
    assert earlier is not None and later.files == earlier.files, "latents, priors and pictures are the same"
    old, new = (Path(store.root) / "trials" / DONE.key / "attempts" / commit.attempt for commit in (earlier, later))
    assert all((old / name).samefile(new / name) for name in later.files)
    assert run_aesweep("verify", store.root).code == 0
    shutil.rmtree(old)
    (Path(store.root) / "trials" / DONE.key / "scores" / f"{first.id}.json").unlink()
    prune(store)
    verified = run_aesweep("verify", store.root)
    assert verified.out.count(f"scores/{first.id}.json is missing") == verified.out.count("is missing") == 1, (
        verified.out
    )
    assert "damaged;" not in verified.out, "the other names still have the bytes"
    assert all((new / name).stat().st_nlink == 1 for name in later.files)


def test_pictures_of_other_sampling_seeds_and_damaged_files_are_not_shared(
    store: Store, first: EvaluationConfig, data_dir: Path
) -> None:
    earlier = store.commits.scores(DONE.key, first.id)
    assert earlier is not None
    old = Path(store.root) / "trials" / DONE.key / "attempts" / earlier.attempt
    damaged = old / "samples/reconstruction-test.png"
    damaged.write_bytes(damaged.read_bytes()[:-9] + b"\0" * 9)
    later = evaluate(store, replace(first, sampling_seeds=(7,)), data_dir)
    new = old.with_name(later.attempt)
    shared = {name for name in later.files if (old / name).exists() and (old / name).samefile(new / name)}
    assert shared == {*fits(later), "samples/reconstruction-train.png", "samples/interpolation.png"}
    assert later.files["samples/reconstruction-test.png"] == earlier.files["samples/reconstruction-test.png"]


def test_where_no_file_has_two_names_it_is_written_again(
    store: Store, first: EvaluationConfig, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)  # as on some of FUSE, SMB and exFAT
    later = evaluate(store, replace(first, metrics=("frechet", "reconstruction_error")), data_dir)
    folder = Path(store.root) / "trials" / DONE.key / "attempts" / later.attempt
    assert all((folder / name).stat().st_nlink == 1 for name in later.files)
    assert run_aesweep("verify", store.root).code == 0


@pytest.mark.parametrize("field", ["prior_seed", "gmm_components", "gmm_tol", "gmm_reg_covar", "gmm_max_iter"])
def test_other_prior_fields_are_fitted_anew(field: str, store: Store, more: EvaluationConfig, data_dir: Path) -> None:
    change: dict[str, Any] = {field: {"gmm_tol": 1e-5, "gmm_reg_covar": 1e-4}.get(field, 3)}
    other = replace(more, metrics=("gaussianity",), **change)
    commit = evaluate(store, other, data_dir, deadline=NO_TIME)
    assert "priors-gmm.npz" not in commit.files
    gap = next(row for row in commit.rows if row.metric == "loglikelihood_gap")
    assert gap.value is None and "deadline reached after 1 EM iterations" in gap.note


def test_a_fit_that_missed_its_deadline_is_tried_again(store: Store, more: EvaluationConfig, data_dir: Path) -> None:
    forget(store)
    missed = evaluate(store, more, data_dir, deadline=NO_TIME)
    assert "priors-gmm.npz" not in missed.files
    found = evaluate(store, replace(more, sampling_seeds=(2,)), data_dir)
    assert "priors-gmm.npz" in found.files
    assert all(row.value is not None for row in found.rows)
    assert found.files["priors-mvg.npz"] == missed.files["priors-mvg.npz"]


def test_damaged_files_of_the_first_evaluation_are_made_anew(
    store: Store, first: EvaluationConfig, more: EvaluationConfig, data_dir: Path
) -> None:
    earlier = store.commits.scores(DONE.key, first.id)
    assert earlier is not None
    for name in (LATENTS, "priors-gmm.npz"):
        path = Path(store.root) / "trials" / DONE.key / "attempts" / earlier.attempt / name
        path.write_bytes(path.read_bytes()[:-9] + b"\0" * 9)
    commit = evaluate(store, more, data_dir)
    assert fits(commit) == fits(earlier)
    assert all(row.value is not None for row in commit.rows)


def test_latents_of_other_weights_are_not_taken_over(
    store: Store, first: EvaluationConfig, more: EvaluationConfig, data_dir: Path
) -> None:
    path = Path(store.root) / "trials" / DONE.key / "scores" / f"{first.id}.json"
    commit = json.loads(path.read_text())
    assert (
        commit["model"]
        == json.loads((path.parents[1] / "train.json").read_text())["files"]["model.safetensors"]["sha256"]
    )
    folder = path.parents[1] / "attempts" / commit["attempt"]
    foreign = b"latents of other weights"
    (folder / LATENTS).write_bytes(foreign)
    commit["files"][LATENTS] = store.attempts.write_file(DONE.key, commit["attempt"], LATENTS, foreign).to_json()
    commit["model"] = "0" * 64
    del commit["seal"]
    path.write_bytes(sealed_json_bytes(commit))
    assert all(row.value is not None for row in evaluate(store, more, data_dir).rows)
