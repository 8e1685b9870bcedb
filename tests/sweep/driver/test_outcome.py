"""How a command ends: the exit code and the last line, without Ray."""

import io
import shutil
from pathlib import Path

import pytest
from rich.console import Console

from aesweep.sweep.driver.outcome import Outcome
from aesweep.sweep.evaluating import evaluate
from aesweep.sweep.store.store import STATES, State, open_store
from tests.in_process import run_aesweep
from tests.small_store import DONE

NONE: dict[State, int] = dict.fromkeys(STATES, 0)


@pytest.mark.parametrize("left", ["pending", "running", "trained"])
def test_a_sweep_with_work_left_does_not_end_with_exit_code_0(left: State) -> None:
    assert Outcome({**NONE, "done": 2}, []).exit_code == 0
    assert Outcome({**NONE, "done": 1, left: 1}, []).exit_code == 1
    assert Outcome({**NONE, "done": 1, left: 1}, [], interrupted=True).exit_code == 130


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store whose path has a space, without its driver."""
    shutil.copytree(small_store, tmp_path / "my store")
    shutil.rmtree(tmp_path / "my store" / "progress")
    return tmp_path / "my store"


def test_evaluate_says_that_a_trial_lost_its_weights_and_how_it_gets_new_ones(store: Path) -> None:
    next(store.glob(f"trials/{DONE.key}/attempts/*/model.safetensors")).unlink()
    said = io.StringIO()
    outcome = evaluate(store, {"samples": 40}, console=Console(file=said, width=300))
    assert (outcome.exit_code, outcome.counts) == (1, {**NONE, "pending": 1})
    assert f"{DONE.name} has lost its weights" in said.getvalue()
    assert f"aesweep resume '{store}'" in said.getvalue()


def test_evaluate_of_what_was_scored_has_nothing_to_do(store: Path) -> None:
    outcome = evaluate(store, {}, console=Console(quiet=True))
    assert (outcome.exit_code, outcome.counts) == (0, {**NONE, "done": 1})


def test_commands_that_go_on_can_be_pasted_also_where_a_path_has_a_space(store: Path) -> None:
    ended = run_aesweep("status", store)
    assert f"Continue with: aesweep resume '{store}'\n" in ended.out
    assert f"aesweep resume '{store}' --retry-failed" in ended.out
    assert open_store(store).storage.root == str(store)
