"""A sweep as its user meets it: launched, launched again, widened, failed, killed."""

import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from PIL import Image
from ray.tune import Callback
from ray.tune.experiment import Trial
from rich.console import Console

from aesweep import load_model
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.evaluating import evaluate
from aesweep.sweep.freezing import frozen_in
from aesweep.sweep.launch import launch
from aesweep.sweep.spec.load import load_spec
from aesweep.sweep.store.store import open_store
from tests.faults import dying
from tests.fresh_process import modules_after_command
from tests.in_process import run_aesweep
from tests.sweep.conftest import TINY, run_cli, run_main
from tests.sweep.driver.aftermath import assert_same_results, read
from tests.sweep.webhook import webhook
from tests.waiting import wait_until

QUIET = Console(quiet=True)
SOURCES = {"reconstruction", "standard_normal", "mvg", "gmm"}


def test_every_trial_of_a_finished_sweep_has_all_scores(finished_store: Path) -> None:
    trials, scores = read(finished_store, "trials"), read(finished_store, "scores")
    assert set(trials.state) == {"done"}
    assert len(trials) == 2
    for key in trials.key:
        mine = scores[scores.key == key]
        assert set(mine.source) == SOURCES
        assert set(mine[mine.source == "reconstruction"].split) == {"train", "test"}
    assert scores.value.notna().all()
    assert set(scores.metric) == {"fd"}, "only the 2015 Inception network may call a score fid"
    assert set(scores.preparation) == {"own size, x / 127.5 - 1, float32"}
    assert set(scores.reference_seed) == {0}
    assert len(read(finished_store, "epochs")) == 2 * 3
    assert len(read(finished_store, "failures")) == 0
    assert not read(finished_store, "latents").empty


def test_what_judges_the_sweep_was_frozen_before_its_first_training(finished_store: Path) -> None:
    trials = read(finished_store, "trials")
    (frozen,) = frozen_in(open_store(finished_store))
    assert frozen.keys == set(trials.key) and not frozen.seen | frozen.seen_otherwise
    assert {frozen.evaluation} == set(read(finished_store, "scores").evaluation)
    assert pd.Timestamp(frozen.time) <= pd.to_datetime(trials.started, utc=True).min()


def test_every_trial_has_its_log_and_its_pictures(finished_store: Path) -> None:
    for _, trial in read(finished_store, "trials").iterrows():
        attempt = finished_store / "trials" / trial.key / "attempts" / trial.attempt
        assert "epoch 3/3" in (attempt / "log.txt").read_text()
        assert not (attempt / "checkpoint.pt").exists()
        pictures = {p.name for p in (finished_store / trial.pictures).iterdir()}
        assert pictures == {
            f"{n}.png"
            for n in ("reconstruction-train", "reconstruction-test", "standard_normal", "mvg", "gmm", "interpolation")
        }


def test_status_json_counts_states_failures_and_rows(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], finished_store: Path
) -> None:
    assert run_main(monkeypatch, "status", finished_store, "--json") == 0
    status = json.loads(capsys.readouterr().out)
    assert status["counts"] == {"pending": 0, "running": 0, "trained": 0, "done": 2, "failed": 0}
    assert status["failures"] == []
    assert status["tables"]["trials"] == 2


def test_tables_rebuilds_the_same_tables(monkeypatch: pytest.MonkeyPatch, finished_store: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    shutil.rmtree(store / "tables")
    assert run_main(monkeypatch, "tables", store) == 0
    for table in ("trials", "epochs", "scores", "latents", "failures"):
        rebuilt, original = (pd.read_parquet(s / "tables" / f"{table}.parquet") for s in (store, finished_store))
        pd.testing.assert_frame_equal(rebuilt, original)


@pytest.mark.parametrize("kind", [["--prior", "mvg"], ["--reconstruct"], ["--interpolate"]])
def test_sample_draws_a_picture(
    monkeypatch: pytest.MonkeyPatch, finished_store: Path, tmp_path: Path, kind: list[str]
) -> None:
    key = next((finished_store / "trials").iterdir()).name
    out = tmp_path / "grid.png"
    assert run_main(monkeypatch, "sample", finished_store, key[:6], *kind, "-n", 18, "--out", out) == 0
    with Image.open(out) as picture:
        assert min(picture.size) > 60


@pytest.mark.parametrize("kind", ["--reconstruct", "--interpolate"])
def test_a_prior_that_draws_nothing_is_refused(finished_store: Path, kind: str) -> None:
    done = run_aesweep("sample", finished_store, "f", kind, "--prior", "mvg")
    assert done.is_refused_clearly and f"With {kind}, nothing is drawn from a prior." in done.err


def test_sample_of_an_unknown_trial_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], finished_store: Path, tmp_path: Path
) -> None:
    assert run_main(monkeypatch, "sample", finished_store, "ffffffffffff", "--out", tmp_path / "x.png") == 2
    assert "no such trial" in capsys.readouterr().err


def test_a_trained_model_decodes_latents(finished_store: Path) -> None:
    key = open_store(finished_store).trials.known_keys()[0]
    model = load_model(finished_store, key[:6])
    assert not model.training
    assert model.decode(torch.zeros(2, 3)).shape == (2, 3, 32, 32)


def test_a_finished_sweep_launched_again_needs_neither_torch_nor_ray(
    finished_store: Path, tiny_spec: Path, tmp_path: Path
) -> None:
    modules = modules_after_command("launch", tiny_spec, "--store", finished_store, cwd=tmp_path)
    assert not {"torch", "ray", "pandas"} & modules


def test_looking_needs_no_large_library(finished_store: Path, tiny_spec: Path, tmp_path: Path) -> None:
    large = {"torch", "ray", "pandas", "sklearn", "scipy", "pyarrow"}
    for words in (["--help"], ["plan", tiny_spec, "--store", finished_store, "--json"], ["status", finished_store]):
        assert not large & modules_after_command(*words, cwd=tmp_path)


@pytest.mark.slow  # by default without Ray: test_reuse.py, tests/evaluation/test_score.py
def test_another_evaluation_scores_everything_anew_and_trains_nothing(
    finished_store: Path, tmp_path: Path, ray_cluster: None
) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    before = read(store, "trials").set_index("key")
    metrics = "frechet,kid,prdc,frechet_infinity,reconstruction_error,heldout_likelihood"
    ended = run_aesweep("evaluate", store, "--metrics", metrics, "--seeds", "0..1", "--samples", 260)
    assert ended.code == 0, ended.err
    assert "2 done after" in ended.err
    after, scores = read(store, "trials").set_index("key"), read(store, "scores")
    assert (after.attempt == before.attempt).all()
    assert scores.evaluation.nunique() == 2
    assert scores.value.notna().all()
    assert scores[scores.metric == "fd"].stderr.gt(0).all()
    samples = {"fd", "kd", "precision", "recall", "density", "coverage", "fd_infinity"}
    new = scores[~scores.evaluation.isin(read(finished_store, "scores").evaluation)]
    drawn = new[(new.source == "gmm") & new.metric.isin(samples)]
    assert set(drawn.groupby(["key", "metric"]).size()) == {2}
    assert set(new.metric) >= samples | {"bce", "mse", "psnr", "ssim", "heldout_loglikelihood", "train_loglikelihood"}


def test_latents_of_trained_trials_are_measured_without_sampling_again(
    finished_store: Path, tmp_path: Path, ray_cluster: None
) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    before = read(store, "trials").set_index("key")
    changed = ["gmm_components=2", "prior_deadline_seconds=600"]
    outcome = evaluate(store, {"metrics": ["gaussianity"]}, overrides=changed, console=QUIET)
    assert outcome.counts["done"] == 2
    launched, evaluated = frozen_in(open_store(store))
    assert evaluated.seen_otherwise == set(before.index) and launched.evaluation != evaluated.evaluation
    after, scores = read(store, "trials").set_index("key"), read(store, "scores")
    assert (after.pictures == before.pictures).all()
    latents = scores[scores.source == "latents"]
    assert set(latents.groupby("key").size()) == {14}, "five measures, five nulls, four p-values"
    assert set(latents.extractor) == set(latents.preparation) == {"none"}
    assert latents.reference_seed.isna().all()
    assert latents.value.notna().all()
    assert set(scores[scores.evaluation.isin(latents.evaluation)].source) == {"latents"}
    assert set(latents[latents.metric == "loglikelihood_gap"].gmm_components) == {2}
    assert evaluate(store, {"metrics": ["gaussianity"]}, overrides=changed, console=QUIET).ran is False


class MostAtOnce(Callback):
    """A Ray Tune callback of a user's: the largest number of trials that trained at the same time."""

    def __init__(self) -> None:
        self.most = 0

    def on_step_end(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        self.most = max(self.most, sum(trial.status == Trial.RUNNING for trial in trials))


def test_a_wider_spec_trains_what_is_new_and_a_diverging_trial_is_a_failed_row_that_alone_is_retried(
    finished_store: Path, tmp_path: Path, ray_cluster: None
) -> None:
    spec = tmp_path / "wider.yaml"
    spec.write_text(
        TINY.replace("name: tiny", "name: wider").replace(
            "    model: [dae, vae]\n    latent_size: 3\n",
            "    model: dae\n    latent_size: [3, 4]\n"
            "  - {name: bad, model: vae, latent_size: 2, learning_rates: [1.0e+30], learning_rate_drops: [], "
            "warmup_epochs: 0}\n",
        )
    )
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    before = read(store, "trials").set_index("key")
    most = MostAtOnce()
    with webhook() as (url, heard):
        outcome = launch(str(spec), store, max_concurrent=1, callbacks=[most], notify=url, console=QUIET)
    assert most.most == 1, "two trials were to train, and this machine has room for both"
    assert (outcome.exit_code, outcome.counts["done"], outcome.counts["failed"]) == (1, 2, 1)
    assert "NonFiniteLossError" in outcome.failures[0][1]
    (message,) = heard
    assert (message["state"], message["counts"]) == ("failed", outcome.counts)
    assert [(one["name"], one["reason"]) for one in message["failures"]] == outcome.failures
    assert f"Failed: {outcome.failures[0][0]}: " in message["text"] and "NonFiniteLossError" in message["text"]
    assert read(store, "failures").type.tolist() == ["NonFiniteLossError"]
    after = read(store, "trials").set_index("key")
    assert len(after) == 4, "the two of before, one more latent size, the bad one"
    assert (after.loc[before.index].attempt == before.attempt).all()
    assert (after.loc[before.index].ended == before.ended).all()
    assert after[after.block == "bad"].state.tolist() == ["failed"]
    assert set(after[after.block != "bad"].state) == {"done"}

    again = launch(str(spec), store, console=QUIET)
    assert (again.exit_code, again.ran) == (1, False)
    asked = load_spec(str(spec))
    retried = make_plan(asked, open_store(store), asked.evaluation_config(), retry_failed=True)
    assert [trial.block for trial in retried.to_train] == ["bad"] and not retried.to_score


@pytest.mark.slow  # by default without Ray: tests/sweep/store/test_damage.py, tests/sweep/driver/test_retrained.py
def test_a_launch_after_damage_mends_it_and_ends_with_the_same_numbers(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None, caplog: pytest.LogCaptureFixture
) -> None:
    """Damaged are the commit of one trial, the scores of the other, a reference, a table and a configuration."""
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    first, second = sorted((store / "trials").iterdir())
    damaged = [
        first / "train.json",
        next((second / "scores").iterdir()),
        next((store / "references").iterdir()),
        store / "tables" / "scores.parquet",
        second / "config.json",
    ]
    for path in damaged:
        path.write_bytes(path.read_bytes()[:-30])
    outcome = launch(str(tiny_spec), store, console=QUIET)
    assert outcome.counts["done"] == 2
    assert_same_results(store, finished_store)
    assert len(list((first / "attempts").glob("train-*"))) == 2
    assert len(list((second / "attempts").glob("train-*"))) == 1
    assert "is damaged; kept as" in caplog.text
    assert (second / "config.json").read_bytes() == (
        finished_store / "trials" / second.name / "config.json"
    ).read_bytes()


def test_a_spec_that_shares_nothing_with_a_store_asks_for_add(finished_store: Path, tiny_spec: Path) -> None:
    done = run_aesweep("launch", tiny_spec, "--store", finished_store, "--set", "filters=5")
    assert done.code == 2
    assert "--add" in done.err


FEW_MOMENTS = ("after */checkpoint.pt",)  # the commits of a training by default without Ray too: test_training.py
ALL_MOMENTS = (
    "after */checkpoint.pt",
    "inside */checkpoint.pt",
    "inside */model.safetensors",
    "before */train.json",
    "inside */train.json",
    "before */latents.npz",
    "inside */latents.npz",
    "before */scores/*.json",
    "after tables/*.parquet",
    "inside tables/folded.json",
)


@pytest.mark.parametrize(
    "moments",
    [FEW_MOMENTS, pytest.param(ALL_MOMENTS, marks=[pytest.mark.slow, pytest.mark.faults, pytest.mark.timeout(900)])],
    ids=["few", "all"],
)
def test_killed_at_named_moments_the_sweep_ends_as_if_undisturbed(
    finished_store: Path, tiny_spec: Path, tmp_path: Path, ray_cluster: None, moments: tuple[str, ...]
) -> None:
    store = tmp_path / "store"
    (tmp_path / "models").mkdir()  # a stray folder with the name of a package, in the folder the user starts from
    (tmp_path / "models" / "__init__.py").write_text("raise ImportError('the wrong models')")
    for moment in moments:
        env = {**dying(moment), "AESWEEP_TEST_MARKER": str(tmp_path)}
        killed = run_cli("launch", tiny_spec, "--store", store, cwd=tmp_path, env=env)
        assert killed.returncode == -9, f"{moment}: {killed.stderr}"
        _assert_no_process_remains(f"AESWEEP_TEST_MARKER={tmp_path}")
    outcome = launch(str(tiny_spec), store, console=QUIET)  # here, where a Ray runs already: nobody disturbs this one
    assert outcome.exit_code == 0, outcome.failures
    assert_same_results(store, finished_store)
    resumed = [json.loads(p.read_text())["result"]["resumed_from"] for p in store.glob("trials/*/train.json")]
    assert any(name != "none" for name in resumed), "no trial went on from a checkpoint"
    assert not list(store.glob("progress/*.json"))
    assert not list(store.rglob(".tmp-*")), "what a killed writer left is removed by the next launch"


def test_killed_while_the_tables_are_folded_the_next_launch_folds_them(
    finished_store: Path, tiny_spec: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    shutil.copytree(finished_store, store)
    for moment in ("after tables/*.parquet", "inside tables/scores.parquet", "inside tables/folded.json"):
        if "scores" in moment:  # this one takes the place of another
            for path in (store / "tables").iterdir():
                path.write_bytes(b"")
        else:
            shutil.rmtree(store / "tables", ignore_errors=True)
        assert run_cli("tables", store, cwd=tmp_path, env=dying(moment)).returncode == -9
        done = run_aesweep("launch", tiny_spec, "--store", store)
        assert done.code == 0, done.err
        assert "Tables rebuilt" in done.err
        assert_same_results(store, finished_store)
        assert not list(store.rglob(".tmp-*"))


def _assert_no_process_remains(marker: str) -> None:
    wait_until(lambda: not _processes_with(marker), 60, "no process is left", lambda: _processes_with(marker))


def _processes_with(entry: str) -> list[str]:
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if entry.encode() in (folder / "environ").read_bytes().split(b"\0"):
                    found.append((folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()[:120])
            except OSError:
                continue
    return found
