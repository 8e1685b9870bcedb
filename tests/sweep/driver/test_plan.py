"""A spec against a store: what is left to do."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.records.launches import DriverRecord, LaunchProgress, RunningTrial
from aesweep.sweep.store.store import Store, open_store
from tests.records import scored, trained

SMALL = TrialConfig(filters=2, latent_size=2, epochs=1)
LARGE = TrialConfig(filters=8, latent_size=2, epochs=1)
LARGER = TrialConfig(filters=9, latent_size=2, epochs=1)
EVALUATION = EvaluationConfig()
TRAINED = trained()
SCORED = scored()


@pytest.fixture
def spec(tmp_path: Path) -> SweepSpec:
    blocks = (Block("narrow", (SMALL,)), Block("wide", (LARGE,)))
    return SweepSpec(name="two", blocks=blocks, execution=ExecutionConfig(data_dir=str(tmp_path / "data")))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    opened = open_store(tmp_path / "store", create=True)
    for config in (SMALL, LARGE):
        opened.trials.write_config(config)
    return opened


def states(spec: SweepSpec, store: Store) -> dict[str, str]:
    return {t.block: t.state for t in make_plan(spec, store, EVALUATION).trials}


def test_everything_is_pending_at_first_and_the_dearest_trial_comes_first(spec: SweepSpec) -> None:
    plan = make_plan(spec, None, EVALUATION)
    assert plan.counts()["pending"] == 2
    assert [t.block for t in plan.to_train] == ["wide", "narrow"]
    wide, narrow = plan.to_train
    assert wide.gpu_hours < 1.1 * narrow.gpu_hours, "on a GPU a step has a constant part"
    assert wide.training_flops > 5 * narrow.training_flops, "on a CPU it has none"
    assert not plan.is_done


def test_the_first_seed_of_every_network_comes_before_any_second_one(tmp_path: Path) -> None:
    seeds = (7, 3)  # rounds are in the order of the spec
    blocks = [
        Block(name, tuple(replace(one, seed=seed) for seed in seeds)) for name, one in (("n", SMALL), ("w", LARGE))
    ]
    spec = SweepSpec(name="s", blocks=tuple(blocks), execution=ExecutionConfig(data_dir=str(tmp_path / "data")))
    store = open_store(tmp_path / "store", create=True)
    plan = make_plan(spec, store, EVALUATION)
    wanted = [(8, 7), (2, 7), (8, 3), (2, 3)]
    assert [(t.config.filters, t.config.seed) for t in plan.to_train] == wanted
    for config, _ in spec.trials:
        store.trials.write_config(config)
        store.commits.commit_training(config.key, TRAINED)
    scoring = make_plan(spec, store, EVALUATION).to_score
    assert [t.round for t in scoring] == [0, 0, 1, 1]
    second = make_plan(spec, None, EVALUATION, only=[replace(SMALL, seed=3).key])
    assert [t.round for t in second.trials] == [1]  # also where the first is not asked for now


def test_the_dearest_prior_fit_is_scored_first(tmp_path: Path) -> None:
    sizes = (3, 200, 40)
    trials = tuple(TrialConfig(filters=2, latent_size=size, epochs=1) for size in sizes)
    spec = SweepSpec(
        name="sizes", blocks=(Block("all", trials),), execution=ExecutionConfig(data_dir=str(tmp_path / "data"))
    )
    store = open_store(tmp_path / "store", create=True)
    for trial in trials:
        store.trials.write_config(trial)
        store.commits.commit_training(trial.key, TRAINED)
    plan = make_plan(spec, store, EVALUATION)
    assert [t.config.latent_size for t in plan.to_score] == [200, 40, 3]
    assert plan.to_score[0].fit_flops == 4 * 10 * 1500 * 200**2
    twice = make_plan(spec, store, replace(EVALUATION, metrics=("frechet", "heldout_likelihood")))
    assert [t.fit_flops for t in twice.trials] == [2 * t.fit_flops for t in plan.trials]
    assert sum(t.fit_flops for t in make_plan(spec, store, replace(EVALUATION, priors=("mvg",))).trials) == 0
    several = replace(EVALUATION, metrics=("mixtures",), mixture_sizes=(1, 29))
    assert [t.fit_flops for t in make_plan(spec, store, several).trials] == [4 * t.fit_flops for t in plan.trials]


def test_a_trial_is_trained_by_its_commit_and_done_by_the_scores_that_the_spec_asks_for(
    spec: SweepSpec, store: Store
) -> None:
    store.commits.commit_training(SMALL.key, TRAINED)
    assert states(spec, store) == {"narrow": "trained", "wide": "pending"}
    store.commits.commit_scores(SMALL.key, "another00000", SCORED)
    assert states(spec, store)["narrow"] == "trained"
    store.commits.commit_scores(SMALL.key, EVALUATION.id, SCORED)
    assert states(spec, store)["narrow"] == "done"
    plan = make_plan(spec, store, EVALUATION)
    assert [t.block for t in plan.to_train] == ["wide"]
    assert plan.to_score == []


def test_a_failed_trial_is_left_out_until_it_is_asked_for(spec: SweepSpec, store: Store) -> None:
    attempt = store.attempts.new(SMALL.key, "train")
    store.attempts.record_failure(SMALL.key, attempt, "train", ValueError("diverged"))
    plan = make_plan(spec, store, EVALUATION)
    assert [t.block for t in plan.to_train] == ["wide"]
    assert "diverged" in next(t.reason for t in plan.trials if t.block == "narrow")
    assert {t.block for t in make_plan(spec, store, EVALUATION, retry_failed=True).to_train} == {"narrow", "wide"}


def test_a_failed_evaluation_is_scored_again_and_not_trained_again(spec: SweepSpec, store: Store) -> None:
    store.commits.commit_training(SMALL.key, TRAINED)
    attempt = store.attempts.new(SMALL.key, "evaluate", EVALUATION.id)
    store.attempts.record_failure(SMALL.key, attempt, "evaluate", RuntimeError("no memory"), EVALUATION.id)
    assert states(spec, store)["narrow"] == "failed"
    plan = make_plan(spec, store, EVALUATION, retry_failed=True)
    assert [t.block for t in plan.to_score] == ["narrow"]
    assert [t.block for t in plan.to_train] == ["wide"]


def test_only_keeps_a_block_or_a_key_and_refuses_what_names_nothing(spec: SweepSpec, store: Store) -> None:
    assert [t.block for t in make_plan(spec, store, EVALUATION, only=["wide"]).trials] == ["wide"]
    assert [t.block for t in make_plan(spec, store, EVALUATION, only=[SMALL.key[:6]]).trials] == ["narrow"]
    with pytest.raises(InputError, match="narrow, wide"):
        make_plan(spec, store, EVALUATION, only=["broad"])


def shared_spec(tmp_path: Path, last: str) -> SweepSpec:
    """Two blocks, of which the second asks for a trial of the first as well."""
    blocks = (Block("first", (SMALL, LARGE)), Block(last, (LARGE, LARGER)))
    return SweepSpec(name="shared", blocks=blocks, execution=ExecutionConfig(data_dir=str(tmp_path / "data")))


def chosen(spec: SweepSpec, *only: str) -> set[TrialConfig]:
    return {t.config for t in make_plan(spec, None, EVALUATION, only=only).trials}


def test_only_a_block_is_all_its_trials_also_those_that_an_earlier_block_asks_for(tmp_path: Path) -> None:
    spec = shared_spec(tmp_path, "second")
    assert chosen(spec, "second") == {LARGE, LARGER}
    assert chosen(spec, "first") == {SMALL, LARGE}
    same = replace(spec, blocks=(spec.blocks[0], Block("again", (SMALL,))))
    assert chosen(same, "again") == {SMALL}


def test_only_a_block_whose_name_could_begin_a_key_is_that_block_alone(tmp_path: Path) -> None:
    digit = SMALL.key[0]
    spec = shared_spec(tmp_path, digit)
    assert chosen(spec, digit) == {LARGE, LARGER}
    assert chosen(spec, SMALL.key[:2]) == {SMALL}
    assert chosen(spec, digit, SMALL.key) == {SMALL, LARGE, LARGER}


def test_choosing_each_of_many_trials_by_its_key_is_no_more_work_than_all(tmp_path: Path) -> None:
    trials = tuple(TrialConfig(filters=2, latent_size=2, epochs=1, seed=seed) for seed in range(2000))
    spec = SweepSpec(
        name="many", blocks=(Block("all", trials),), execution=ExecutionConfig(data_dir=str(tmp_path / "data"))
    )
    started = time.process_time()
    assert len(make_plan(spec, None, EVALUATION).trials) == 2000
    all_of_them, started = time.process_time() - started, time.process_time()
    assert len(make_plan(spec, None, EVALUATION, only=[t.key for t in trials]).trials) == 2000
    assert time.process_time() - started < 3 * all_of_them + 1  # each word against each trial took minutes


def test_a_trial_runs_while_its_driver_lives_and_is_pending_when_it_is_gone(spec: SweepSpec, store: Store) -> None:
    file = ProgressFile(store)
    file.write(LaunchProgress(running={SMALL.key: RunningTrial(name=SMALL.name, epochs=1)}), force=True)
    assert states(spec, store)["narrow"] == "running"
    said = store.records.read(file.name, DriverRecord)
    assert said is not None
    store.records.write(file.name, said.model_copy(update={"host": "elsewhere", "time": time.time() - 61}))
    assert states(spec, store)["narrow"] == "pending"
