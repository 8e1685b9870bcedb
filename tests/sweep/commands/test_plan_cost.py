"""What `plan` says of cost: images, disk, hours on a CPU, and schedules that are too short."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from aesweep.evaluation import pictures, sampling, score, volume
from aesweep.evaluation.descriptions import METRICS
from aesweep.evaluation.diagnostics import memorisation, vae
from aesweep.evaluation.extractor_descriptions import EXTRACTORS
from aesweep.evaluation.smoothness import jacobian, lipschitz, path_length
from aesweep.evaluation.smoothness.pairs import WAYS
from aesweep.evaluation.volume import evaluation_bytes, images_scored, picture_bytes, reference_bytes, trial_bytes
from aesweep.models.config import TrialConfig
from aesweep.models.training.schedule import full_rate_steps
from aesweep.sweep.driver.costs import cpu_machine_hours
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.driver.short_schedules import FEWEST_STEPS, short_schedules
from aesweep.sweep.spec.load import load_spec
from tests.fresh_process import modules_after
from tests.in_process import run_aesweep
from tests.small_store import DONE, small_spec


def size(folder: Path, pattern: str = "*") -> int:
    return sum(file.stat().st_size for file in folder.rglob(pattern) if file.is_file())


def test_the_disk_that_a_plan_states_is_what_a_trial_leaves(small_store: Path, data_dir: Path) -> None:
    evaluation = small_spec(data_dir).evaluation_config()
    trial, shown = small_store / "trials" / DONE.key, picture_bytes(DONE, evaluation)
    (attempt,) = trial.glob("attempts/score-*")
    drawn = size(attempt, "*.png")
    assert drawn < shown < 6 * drawn, "a network of two epochs draws blurs, which take little room"
    assert trial_bytes(DONE, evaluation, 1500, 297) - shown == pytest.approx(size(trial) - drawn, rel=0.15)
    scores = size(attempt) + size(trial / "scores") - drawn
    assert evaluation_bytes(DONE, evaluation, 1500, 297) - shown == pytest.approx(scores, rel=0.15)
    assert reference_bytes(evaluation, 1500, 297) == pytest.approx(size(small_store / "references"), rel=0.15)


def test_a_plan_counts_the_pictures_and_rows_that_an_evaluation_keeps() -> None:
    assert volume.SHOWN_PER_PRIOR == sampling.PICTURES
    assert volume.SHOWN_RECONSTRUCTIONS == 2 * 2 * sampling.PAIRS, "both splits, each image and its reconstruction"
    assert volume.SHOWN_IN_WALKS == pictures.WALKS * (pictures.STEPS + 2)
    assert volume.LATENT_ROWS == score.LATENT_ROWS
    assert volume.FEATURE_DIMENSIONS.keys() == {*EXTRACTORS.built_in} - {"classifier"}


def test_images_are_those_that_an_evaluation_measures(data_dir: Path) -> None:
    evaluation = small_spec(data_dir).evaluation_config()  # 50 samples, at most 60 reference images
    assert images_scored(evaluation, 1500, 297) == 3 * 50 + 2 * 60
    assert images_scored(replace(evaluation, sampling_seeds=(0, 1)), 1500, 40) == 2 * 3 * 50 + 60 + 40
    assert images_scored(replace(evaluation, metrics=("gaussianity",)), 1500, 297) == 0


def test_images_include_those_that_metrics_of_the_model_decode(data_dir: Path) -> None:
    evaluation = replace(small_spec(data_dir).evaluation_config(), samples=300, metrics=("gaussianity",))
    sources, passes = 4, 3 * jacobian.ITERATIONS  # a step of the power iteration goes forth and back
    assert len(evaluation.priors) == sources - 1
    expected = {
        "interpolation": sources * len(WAYS) * 300 // 2,
        "path_length": sources * path_length.PAIRS * (path_length.STEPS + 1),
        "jacobian": sources * jacobian.POINTS * (passes + 4 * jacobian.PROBES),
        "lipschitz": sources * lipschitz.POINTS * (passes + lipschitz.DIRECTIONS + 2),
        "memorisation": sources * 300 + memorisation.IMAGES,
        "vae_diagnostics": vae.IMAGES * evaluation.iwae_samples,
        "mixtures": 300 * len(evaluation.mixture_sizes),
        "correlation": 0,
    }
    for name, images in expected.items():
        asked = replace(evaluation, metrics=("gaussianity", name), samples=300)
        more = 3 * 300 * METRICS.built_in[name].needs_features  # samples of the priors are measured as well
        assert images_scored(asked, 1500, 297) - more == images, name


def test_hours_of_a_cpu_count_training_and_scoring_of_what_is_left() -> None:
    spec = load_spec("quickstart")
    plan = make_plan(spec, None, spec.evaluation_config())
    training = sum(trial.cpu_hours for trial in plan.trials)
    one, two = (cpu_machine_hours(plan, threads=1, cpus=cpus) for cpus in (1, 2))
    assert one == pytest.approx(2 * two) and one > training
    many = cpu_machine_hours(plan, threads=1, cpus=1000)
    assert many >= max(trial.cpu_hours for trial in plan.trials), "a trial does not use more than its threads"
    inception = replace(plan, evaluation=replace(plan.evaluation, extractor="inception-2015"))
    assert cpu_machine_hours(inception, threads=1, cpus=1) > 10 * one, "eight pictures a second"


def test_plan_prints_images_disk_and_hours() -> None:
    printed = run_aesweep("plan", "quickstart").out
    assert "63f625c43327), 62,376 images." in printed
    assert re.search(
        r"^Training and scoring take about \d+ (s|min) on this machine's \d+ CPUs? without a GPU\.$", printed, re.M
    )
    hours = re.search(
        r"take about ([\d,.]+) hours on this machine's", run_aesweep("plan", "paper", "--set", "seeds=0").out
    )
    assert hours and float(hours[1].replace(",", "")) > 10, "from an hour on, hours"
    assert "a trial also keeps a checkpoint of up to 2.85 MB." in printed
    assert "Schedule" not in printed
    trial = json.loads(run_aesweep("plan", "quickstart", "--json").out)[0]
    assert trial["images_train"] == 1500 and trial["images_scored"] == 7797 and trial["disk_bytes"] > 1e6


def test_a_schedule_that_drops_before_anything_is_learnt_is_named_with_a_remedy_that_works() -> None:
    def said(*changes: str) -> str:
        words = [word for change in changes for word in ("--set", change)]
        printed = run_aesweep("plan", "quickstart", *words).out
        return "".join(line for line in printed.splitlines() if line.startswith("Schedule"))

    warned = said("epochs=4")
    assert (
        "8 of 8 trials may learn nothing: in 4 epochs of 47 steps, only 47 are at the full learning rate 0.001;"
        in warned
    )
    assert "--set epochs=10" in warned
    assert said("epochs=10") == "" and said("epochs=9") != ""
    assert said("epochs=4", "learning_rates=0.001", "learning_rate_drops=[]") == ""
    assert "none is at the full learning rate" in said("epochs=1"), "the warmup alone"
    assert said("batch_size=512") != "", "few steps for any reason"


def test_a_launch_warns_of_a_short_schedule_too(data_dir: Path) -> None:
    spec = small_spec(data_dir)
    plan = make_plan(spec, None, spec.evaluation_config())
    assert short_schedules(plan.to_train) == [], "one rate throughout"
    short = replace(DONE, learning_rates=(1e-3, 1e-4), learning_rate_drops=(0.5,), warmup_epochs=0)
    (line,) = short_schedules([replace(plan.trials[0], config=short)])
    assert line.startswith(
        "Schedule: The trial may learn nothing: in 2 epochs of 3 steps, only 3 are at the full learning rate 0.001"
    )


def test_steps_at_the_full_rate_are_counted_epoch_by_epoch() -> None:
    paper = TrialConfig(epochs=100, batch_size=128)
    assert full_rate_steps(paper, 50_000) == 32 * 391
    assert full_rate_steps(replace(paper, learning_rates=(1e-3,), learning_rate_drops=()), 50_000) is None
    assert full_rate_steps(replace(paper, epochs=3), 1280) == 0
    assert FEWEST_STEPS > 47


def test_the_schedule_is_read_without_torch() -> None:
    assert "torch" not in modules_after("import aesweep.sweep.driver.short_schedules, aesweep.evaluation.volume")


def test_a_price_is_in_the_plan_of_a_sweep_and_in_its_report(
    finished_store: Path, tiny_spec: Path, tmp_path: Path
) -> None:
    before = run_aesweep("plan", tiny_spec, "--price", 2.5).out
    price = re.search(r"Price: (\S+), for (\S+) GPU-hours at 2\.5\.", before)
    assert price is not None and float(price[1]) >= 0, before
    after = run_aesweep("plan", tiny_spec, "--store", finished_store, "--price", 2.5)
    assert after.code == 0 and "Price: 0, for 0 GPU-hours" in after.out, "everything is done"
    assert run_aesweep("report", finished_store, "--price", 2.5, "--out", tmp_path / "report").code == 0
    page = (tmp_path / "report" / "index.html").read_text()
    hours = pd.read_parquet(finished_store / "tables" / "trials.parquet").gpu_seconds.sum() / 3600
    cost = f"{2.5 * hours:,.2f} ({hours:.2f} GPU-hours at 2.5 each)" if hours else "no GPU was used"
    assert re.search(rf"Training cost\W[^.]*?{re.escape(cost)}", page), "of what was trained, if on a GPU"
    assert run_aesweep("report", finished_store, "--out", tmp_path / "other").code == 0
    assert "Training cost" not in (tmp_path / "other" / "index.html").read_text()
