"""A finished trial whose files are gone is not done: no verb says that all is well, and nothing is done again unasked."""

from pathlib import Path

import pytest

from aesweep.sweep.driver.plan import make_plan
from aesweep.sweep.running import sound_plan
from aesweep.sweep.store.layout import FOLDED
from aesweep.sweep.store.records.whole_store import FoldedTables
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables.fold import TableWriter
from tests.in_process import run_aesweep
from tests.small_store import DONE, FAILED, copy_at_rest, small_spec

WEIGHTS, LATENTS, PRIOR = (f"trials/*/attempts/*/{n}" for n in ("model.safetensors", "latents.npz", "priors-gmm.npz"))


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store whose driver has gone."""
    return copy_at_rest(small_store, tmp_path / "store")


def lose(store: Path, *patterns: str) -> None:
    for pattern in patterns:
        (path,) = store.glob(pattern)
        path.unlink()


def state(store: Path, data_dir: Path) -> tuple[str, str | None]:
    """State of the trial that was done, and what failed."""
    spec = small_spec(data_dir)
    (trial,) = make_plan(spec, open_store(store), spec.evaluation_config(), only=["done"]).trials
    return trial.state, trial.failed_stage


@pytest.mark.parametrize(("pattern", "stage"), [(WEIGHTS, "train"), (LATENTS, "evaluate"), (PRIOR, "evaluate")])
def test_every_verb_says_that_a_finished_trial_has_lost_files(
    store: Path, data_dir: Path, pattern: str, stage: str
) -> None:
    assert state(store, data_dir) == ("done", None)
    lose(store, pattern)
    assert state(store, data_dir) == ("failed", stage)
    said = run_aesweep("status", store).out
    assert f"these files are missing or cut short now: {pattern.rpartition('/')[2]}" in said
    assert f"aesweep resume {store} --retry-failed" in said
    reported = run_aesweep("report", store)
    assert (reported.code, "1 finished trial has lost files" in reported.err) == (0, True), reported.err
    assert state(store, data_dir) == ("failed", stage), "the tables were made again: they know it too"
    assert run_aesweep("verify", store, "--repair").code == 1
    assert state(store, data_dir) == (("pending", None) if stage == "train" else ("trained", None))


def test_a_report_is_drawn_where_nothing_failed_but_files_are_lost(store: Path) -> None:
    assert run_aesweep("forget", store, FAILED.key, "--yes").code == 0
    lose(store, WEIGHTS)
    reported = run_aesweep("report", store)
    assert reported.code == 0, reported.err
    assert "1 trial failed: lost files." in (store / "report" / "index.html").read_text()


def test_asked_to_retry_a_launch_does_the_lost_work_alone(store: Path, data_dir: Path) -> None:
    lose(store, WEIGHTS, LATENTS)
    spec = small_spec(data_dir)
    evaluation, opened = spec.evaluation_config(), open_store(store)
    asked = sound_plan(spec, opened, evaluation, False, ["done"])
    assert (asked.is_done, [trial.state for trial in asked.trials]) == (True, ["failed"])
    again = sound_plan(spec, opened, evaluation, True, ["done"])
    assert [trial.config.key for trial in again.to_train] == [DONE.key]
    assert not opened.commits.has_scores(DONE.key, evaluation.id)
    assert len(list(store.glob(f"trials/{DONE.key}/**/*.damaged-*"))) == 2, "the commits are kept"


def test_what_is_only_copied_is_not_lost(store: Path, data_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    for path in filter(Path.is_file, store.rglob("*")):
        (copy / path.relative_to(store)).parent.mkdir(parents=True, exist_ok=True)
        (copy / path.relative_to(store)).write_bytes(path.read_bytes())
    assert state(copy, data_dir) == ("done", None)
    lose(copy, WEIGHTS)
    assert state(copy, data_dir) == ("failed", "train")


def test_a_store_of_an_older_version_is_trusted_until_its_tables_are_made(store: Path, data_dir: Path) -> None:
    opened: Store = open_store(store)
    folded = opened.records.read(FOLDED, FoldedTables)
    assert folded is not None
    opened.records.write(FOLDED, folded.model_copy(update={"folders": {}}))
    lose(store, WEIGHTS)
    assert state(store, data_dir) == ("done", None)
    TableWriter(opened).publish(force=True)
    assert state(store, data_dir) == ("failed", "train")
