"""Provenance: what a launch keeps of its code and environment, and `aesweep why`, whose command makes the scores again."""

import json
import platform
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from aesweep.sweep.provenance import CONTAINER, read_launch, this_machine, without_secrets, write_launch
from aesweep.sweep.store.layout import LAUNCHES
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.store.verify import verify
from tests.fresh_process import REPOSITORY, command_environment
from tests.in_process import run_aesweep
from tests.small_store import DONE, HALF


def scores_of(store: Store, key: str) -> list[tuple[object, ...]]:
    """Every score of a trial without the time that it took."""
    commit = store.commits.scores(key, store.trials.latest_evaluation())
    assert commit is not None
    return [(r.source, r.split, r.metric, r.seed, r.value, r.stderr, r.n, r.note) for r in commit.rows]


def test_every_commit_names_the_launch_that_kept_its_code_and_environment(finished_store: Path) -> None:
    store = open_store(finished_store)
    named = set()
    for key in store.trials.known_keys():
        training, scores = store.commits.training(key), store.commits.scores(key, store.trials.latest_evaluation())
        assert training is not None and scores is not None
        named |= {training.launch, scores.launch}
    assert len(named) == 1
    launch = read_launch(store, named.pop())
    assert launch is not None and launch.evaluation == store.trials.latest_evaluation()
    (machine,) = launch.machines
    assert (machine.python, machine.ray) == (platform.python_version(), version("ray"))
    assert machine.torch == version("torch") and f"numpy=={version('numpy')}" in launch.packages
    if launch.commit:  # where the code is a tree of git; somebody may have committed since
        ancestor = ["git", "merge-base", "--is-ancestor", launch.commit, "HEAD"]
        assert subprocess.run(ancestor, cwd=REPOSITORY, check=False).returncode == 0
    assert (launch.changed is None) == (not launch.commit)
    assert not verify(store).findings


def test_why_prints_the_environment_the_scores_and_a_spec_of_the_same_trial(finished_store: Path) -> None:
    store = open_store(finished_store)
    key = store.trials.known_keys()[0]
    done = run_aesweep("why", finished_store, key)
    assert (done.code, done.err) == (0, "")
    assert f"torch: {version('torch')}" in done.out and "fd: reconstruction (train)" in done.out
    assert "--store again" in done.out and f"name: again {key}" in done.out
    packages = run_aesweep("why", finished_store, key, "--lock").out.splitlines()
    assert f"torch=={version('torch')}" in packages
    (evaluation,) = json.loads(run_aesweep("why", finished_store, key, "--json").out)["evaluations"]
    assert evaluation["id"] == store.trials.latest_evaluation() and evaluation["command"] in done.out


@pytest.mark.slow  # a launch of its own
def test_the_printed_command_makes_the_same_scores_again(finished_store: Path, tmp_path: Path) -> None:
    store = open_store(finished_store)
    key = store.trials.known_keys()[1]
    said = run_aesweep("why", finished_store, key, "--json").out
    (evaluation,) = json.loads(said)["evaluations"]
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "aesweep").write_text(f'#!/bin/sh\nexec {sys.executable} -m aesweep.sweep.cli "$@"\n')
    (folder / "aesweep").chmod(0o755)
    environment = command_environment()
    environment["PATH"] = f"{folder}:{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-c", evaluation["command"]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert scores_of(open_store(tmp_path / "again"), key) == scores_of(store, key)


def test_scores_of_an_older_version_say_that_their_environment_is_unknown(small_store: Path) -> None:
    done = run_aesweep("why", small_store, DONE.key)
    assert done.code == 0 and "unknown: an older aesweep kept no record" in done.out and "--store again" in done.out
    assert run_aesweep("why", small_store, DONE.key, "--lock").is_refused_clearly
    assert run_aesweep("why", small_store, HALF.key).is_refused_clearly


def test_a_hostile_launch_record_shows_as_text_and_leads_nowhere(finished_store: Path, tmp_path: Path) -> None:
    shutil.copytree(finished_store, tmp_path / "store")
    store = open_store(tmp_path / "store")
    key = store.trials.known_keys()[0]
    training = store.commits.training(key)
    assert training is not None
    launch = read_launch(store, training.launch)
    assert launch is not None
    odd = launch.model_copy(update={"command": ("aesweep", "\x1b[31m\nrm -rf /"), "packages": ("a\nb",)})
    (tmp_path / "store" / LAUNCHES / f"{training.launch}.json").write_bytes(odd.to_bytes())
    done = run_aesweep("why", tmp_path / "store", key)
    assert done.code == 0 and "\x1b" not in done.out and "\nrm -rf" not in done.out
    assert run_aesweep("why", tmp_path / "store", key, "--lock").out == "a\\nb\n"
    assert read_launch(store, "../../etc/passwd") is None


def test_what_is_kept_of_a_command_line_holds_no_webhook_and_a_container_can_name_its_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["/bin/aesweep", "launch", "x", "--notify", "https://secret", "--notify=https://secret", "--store", "s"]
    assert without_secrets(words) == ["aesweep", "launch", "x", "--notify", "…", "--notify=…", "--store", "s"]
    assert without_secrets(["/home/me/train.py", "--token", "secret"]) == ["train.py"]
    monkeypatch.setenv(CONTAINER, "sha256:abc")
    assert this_machine().container == "sha256:abc"


def test_what_an_interrupted_pip_left_behind_stops_no_launch(
    small_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip renames a package that it removes to `~orch-…`, and a kill leaves a folder without a name or a version in it."""
    shutil.copytree(small_store, tmp_path / "store")
    (tmp_path / "site" / "~orch-2.0.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(tmp_path / "site")
    store = open_store(tmp_path / "store")
    write_launch(store, "a-launch", "spec", "evaluation", [this_machine()])
    launch = read_launch(store, "a-launch")
    assert launch is not None and launch.machines[0].torch == version("torch")
    assert f"torch=={version('torch')}" in launch.packages and not any("None" in one for one in launch.packages)
