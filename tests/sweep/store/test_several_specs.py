"""A store into which several specs were launched: which of them a verb speaks of."""

import io
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console

from aesweep.models.errors import InputError
from aesweep.sweep.driver.status import read_status
from aesweep.sweep.launch import launch
from aesweep.sweep.load import load_prior
from aesweep.sweep.spec.sweep_spec import Block, SweepSpec
from aesweep.sweep.store.layout import LATEST
from aesweep.sweep.store.records.seal import sealed_json_bytes
from aesweep.sweep.store.store import Store, open_store
from tests.in_process import run_aesweep
from tests.small_store import DONE, FAILED, HALF, small_spec


@pytest.fixture
def older(data_dir: Path) -> SweepSpec:
    """Asks for the finished trial alone."""
    return replace(small_spec(data_dir), name="older", blocks=(Block("done", (DONE,)),))


@pytest.fixture
def store(small_store: Path, tmp_path: Path, older: SweepSpec) -> Store:
    """The small store, into which another spec was launched before its own."""
    shutil.copytree(small_store, tmp_path / "store")
    opened = open_store(tmp_path / "store")
    opened.trials.write_spec(older, older.evaluation_config().id, latest=False)
    return opened


def test_going_on_with_an_older_spec_leaves_the_latest_one_the_latest(store: Store, older: SweepSpec) -> None:
    """As `resume --all` does, which may be killed after any of its specs."""
    before = store.storage.read(LATEST)
    assert launch(older, store.root, latest=False).exit_code == 0
    assert store.storage.read(LATEST) == before
    assert read_status(store).sweep == "small"
    assert launch(older, store.root).exit_code == 0
    assert read_status(store).sweep == "older"


def test_an_older_spec_that_cannot_be_read_is_in_nobodys_way(store: Store, older: SweepSpec) -> None:
    name = f"sweeps/{older.hash}.json"
    about = json.loads(store.storage.read(name) or b"")
    store.storage.write(name, sealed_json_bytes({**about, "spec": {"from a newer aesweep": 1}}))
    assert [spec.name for spec in store.trials.stored_specs()] == ["small"]
    assert run_aesweep("status", store.root).code == 0
    with pytest.raises(InputError):
        store.trials.stored_specs(every=True)


@pytest.mark.parametrize("name", ["small", "another"])
def test_a_failed_trial_of_an_older_spec_is_replaced_or_has_a_command_that_tries_it_again(
    store: Store, data_dir: Path, name: str
) -> None:
    """A corrected spec of the same name replaces it; one of another name leaves it to be tried again."""
    corrected = replace(small_spec(data_dir), name=name, blocks=(Block("done", (DONE,)),))
    assert launch(corrected, store.root, console=Console(quiet=True)).exit_code == 0
    assert read_status(store).failures == []
    (failed,) = read_status(store, every_spec=True).failures
    assert (failed.name, failed.replaced) == (FAILED.name, name == "small")
    assert failed.command == f"aesweep resume {store.root} --all --retry-failed"
    shown, again = (
        run_aesweep("status", store.root, "--all").out,
        run_aesweep("resume", store.root, "--retry-failed").err,
    )
    assert ("  replaced " in shown) == (name == "small")
    assert ("  failed   " in shown) == (name != "small")
    for said in (shown, again):
        assert (failed.command in said) == (name != "small"), said


@pytest.mark.parametrize(("address", "option"), [("local", ""), ("auto", " --address auto")])
def test_the_command_that_continues_is_that_of_the_same_specs_on_the_same_cluster(
    store: Store, data_dir: Path, address: str, option: str
) -> None:
    """As `resume` names it, of the latest spec or of all; nothing is left to do here, so that no cluster is asked."""
    failed = replace(small_spec(data_dir), blocks=(Block("failed", (FAILED,)),))
    for latest, every in ((True, ""), (False, " --all")):
        said = io.StringIO()
        launch(failed, store.root, address=address, latest=latest, console=Console(file=said, width=300))
        assert f"again with: aesweep resume {store.root}{every}{option} --retry-failed\n" in said.getvalue()


def test_where_the_latest_is_unknown_finished_trials_are_done_all_the_same(store: Store) -> None:
    store.storage.write(LATEST, b"[]")
    assert read_status(store, every_spec=True).counts["done"] == 1


def test_a_prior_comes_from_the_evaluation_of_the_latest_launch(store: Store) -> None:
    """Not from the one whose id happens to sort last."""
    evaluation = store.trials.latest_evaluation()
    commit = store.commits.scores(DONE.key, evaluation)
    assert commit is not None
    for other in ("000000000000", "ffffffffffff"):
        attempt = store.attempts.new(DONE.key, "evaluate", other)
        files = {"priors-gmm.npz": store.attempts.write_file(DONE.key, attempt, "priors-gmm.npz", b"another prior")}
        store.commits.commit_scores(DONE.key, other, commit.model_copy(update={"attempt": attempt, "files": files}))
    assert load_prior(store, DONE.key, "gmm").kind == "gmm"


def test_evaluate_scores_trials_of_the_latest_spec_or_with_all_those_of_every_spec(
    store: Store, data_dir: Path
) -> None:
    newer = replace(small_spec(data_dir), name="newer", blocks=(Block("half", (HALF,)),))
    store.trials.write_spec(newer, newer.evaluation_config().id)
    words = ("evaluate", store.root, "--data", data_dir, "--also")
    assert "done" not in run_aesweep(*words).err  # which has been scored so, and is no trial of the latest spec
    assert "Nothing to do: 1 done" in run_aesweep(*words, "--all").err
