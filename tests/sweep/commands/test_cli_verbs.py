"""The verbs on a small finished store: what each flag does, and what each verb answers without starting anything."""

import json
import os
import socket
import sys
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

import pytest
import typer

from aesweep.models.errors import InputError
from aesweep.sweep.cli import app
from aesweep.sweep.commands.checks import check_data, check_inception, check_store
from tests.image_folder import write_image_folder
from tests.in_process import run_aesweep
from tests.models.data.test_celeba import write_celeba
from tests.models.data.test_images import write_cifar10
from tests.small_store import DONE, FAILED, HALF, copy_at_work
from tests.sweep.conftest import run_main

FLAGS = {
    "plan": "--cluster --data --json --only --plugins --price --set --spot-hours --store",
    "launch": "--add --address --also --data --max-concurrent --notify --only --plugins --retry-failed --set --store --track",
    "resume": "--address --all --also --data --images --max-concurrent --notify --only --plugins --retry-failed --set --track",
    "stop": "--wait",
    "status": "--all --json --watch",
    "list": "--filter --json --reverse --sort",
    "tables": "",
    "report": "--claims --out --price",
    "explore": "--host --out --port --serve",
    "evaluate": "--address --all --also --data --dry-run --evaluation --extractor --images --metrics --only --plugins --retry-failed "
    "--samples --sampling-seeds --seeds --set",
    "sample": "--data --interpolate --out --plugins --prior --reconstruct --seed -n",
    "fetch": "--to",
    "doctor": "--address --data --store",
    "render": "",
    "wait": "",
    "prune": "--damaged --dry-run",
    "verify": "--repair",
    "forget": "--dry-run --yes",
    "export": "--onnx --plugins --push --to",
    "why": "--json --lock --plugins",
    "diff": "--json",
    "merge": "--also --dry-run --plugins",
}
SMALL = """
name: small
base: {filters: 2, epochs: 2, batch_size: 512, learning_rates: [0.001], learning_rate_drops: []}
blocks: [{name: done, latent_size: 2}, {name: others, latent_size: [3, 4]}]
evaluation: {extractor: random-conv-64, samples: 50, reference_size: 60, gmm_components: 2}
"""  # what tests/small_store.py holds


@pytest.fixture
def store(small_store: Path, tmp_path: Path) -> Path:
    """A copy of the small store: one trial done, one half trained by a driver at work, one failed."""
    return copy_at_work(small_store, tmp_path / "store")


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(SMALL)
    return path


def test_the_options_of_each_verb_are_those_that_users_know() -> None:
    verbs = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    found = {
        verb: " ".join(sorted(name for param in command.params for name in param.opts if name.startswith("-")))
        for verb, command in verbs.items()
    }
    assert found == FLAGS


def test_launch_only_looks_at_the_blocks_and_keys_that_are_named(store: Path, spec: Path) -> None:
    for only in ("done", DONE.key[:6]):
        ended = run_aesweep("launch", spec, "--store", store, "--only", only)
        assert (ended.code, ended.err.strip()) == (0, "Nothing to do: 1 done.")
    ended = run_aesweep("launch", spec, "--store", store, "--only", FAILED.key, "--only", "done")
    assert ended.code == 1 and "Nothing to do: 1 done, 1 failed." in ended.err
    assert f"--only {FAILED.key} --only done" in ended.err, "the command that continues asks for no other trials"
    assert run_aesweep("resume", store, "--only", "done").err.strip() == "Nothing to do: 1 done."
    assert "With --all" in run_aesweep("resume", store, "--only", "done", "--all").err
    refused = run_aesweep("launch", spec, "--store", store, "--only", "wide")
    assert refused.is_refused_clearly and "--only: 'wide'" in refused.err and "done, others" in refused.err


def test_a_second_driver_is_warned_of_the_first_and_leaves_its_files_alone(store: Path, spec: Path) -> None:
    (store / "tables/folded.json").unlink()
    (store / ".tmp-of-the-other").write_bytes(b"")
    ended = run_aesweep("launch", spec, "--store", store, "--only", "done")
    assert ended.code == 0
    assert "Another driver works on this store" in ended.err and "Tables rebuilt" in ended.err
    assert (store / ".tmp-of-the-other").exists()


def test_add_lets_a_store_take_a_spec_that_shares_no_trial_with_it(store: Path, spec: Path, tmp_path: Path) -> None:
    spec.write_text(SMALL.replace("filters: 2", "filters: 3").replace("base:", "data: {path: ./images}\nbase:"))
    (write_image_folder(tmp_path / "images") / "train/a/torn.png").write_bytes(b"no image")
    words = ("launch", spec, "--store", store, "--data", tmp_path / "data")
    assert "--add" in run_aesweep(*words).err
    ended = run_aesweep(*words, "--add", "--also")  # the next thing that is looked at are the images
    assert ended.code == 2
    assert "--add" not in ended.err and "torn.png" in ended.err


def test_evaluate_reads_its_lists_and_refuses_what_is_in_none(store: Path) -> None:
    for words, told in [
        (("--seeds", "0..x"), "--sampling-seeds: '0..x' cannot be used."),
        (("--seeds", "0", "--sampling-seeds", "1"), "--seeds: '0' cannot be used."),
        (("--seeds", "one"), "--sampling-seeds: 'one' cannot be used."),
        (("--metrics", "kid,,prdc"), "--metrics: 'kid,,prdc' cannot be used."),
        (("--metrics", "kid,fid"), "'fid'"),
        (("--only", "wide"), "--only: 'wide' cannot be used."),
        (("--extractor", "inception"), "'inception'"),
        (("--evaluation", "fid"), "no such evaluation"),
    ]:
        ended = run_aesweep("evaluate", store, *words)
        assert ended.is_refused_clearly, (words, ended)
        assert told in ended.err


def test_evaluate_finds_the_scores_that_are_there(store: Path) -> None:
    ended = run_aesweep("evaluate", store, "--metrics", "frechet", "--seeds", "0..0", "--samples", "50")
    assert (ended.code, ended.err.strip()) == (0, "Nothing to do: 1 done.")


def test_an_evaluation_is_named_in_status_and_list_and_scores_others_in_the_same_way(store: Path) -> None:
    (seen,) = json.loads(run_aesweep("status", store, "--json").out)["evaluations"]
    assert seen["name"] == f"random-conv-64-n50-r60-k2-{seen['id']}" and (seen["trials"], seen["latest"]) == (1, True)
    assert f"evaluation {seen['name']}: 1 scored" in run_aesweep("status", store).out
    assert f"distances are fd of evaluation {seen['name']}." in run_aesweep("list", store).out
    for word in (seen["name"], seen["id"][:4], seen["name"][:18]):
        ended = run_aesweep("evaluate", store, "--evaluation", word)
        assert (ended.code, ended.err.strip()) == (0, "Nothing to do: 1 done.")


def test_status_watch_shows_the_sweep_until_ctrl_c(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def ctrl_c(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("time.sleep", ctrl_c)  # what the watcher does between two looks
    ended = run_aesweep("status", store, "--watch")
    assert (ended.code, ended.err) == (0, "")
    assert "small: 1 done, 1 running, 1 failed" in ended.out
    assert "epoch 1/2 loss 0.5312 9 images/s" in ended.out
    assert f"driver {socket.gethostname()}:{os.getpid()} at work, 0:05 left" in ended.out
    assert HALF.name in ended.out


def test_debug_shows_where_an_error_comes_from(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No store is there"):
        run_aesweep("--debug", "status", tmp_path / "none")


def test_data_that_are_here_are_ok_and_missing_ones_say_how_to_get_them(tmp_path: Path) -> None:
    for dataset, size in (("cifar10", 32), ("celeba", 64)):
        missing = check_data(dataset, size, tmp_path)
        assert missing.status == "warn" and f"aesweep fetch {dataset} --to {tmp_path}" in missing.remedy
    write_cifar10(tmp_path)
    write_celeba(tmp_path)
    for dataset, size in (("cifar10", 32), ("celeba", 64)):
        assert check_data(dataset, size, tmp_path).status == "ok"


def test_a_missing_gdown_is_named_where_celeba_would_have_to_be_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gdown", None)
    assert "run `pip install gdown` first" in check_data("celeba", 64, tmp_path).remedy
    assert "needs gdown" not in check_data("cifar10", 32, tmp_path).remedy
    monkeypatch.setitem(sys.modules, "gdown", ModuleType("gdown"))
    sys.modules["gdown"].__spec__ = ModuleSpec("gdown", None)
    assert "needs gdown" not in check_data("celeba", 64, tmp_path).remedy


def test_missing_weights_are_a_warning_and_wrong_ones_a_failure(tmp_path: Path) -> None:
    missing = check_inception(tmp_path)
    assert missing.status == "warn" and f"aesweep fetch inception --to {tmp_path}" in missing.remedy
    (tmp_path / "weights-inception-2015-12-05-6726825d.pth").write_bytes(b"not the weights")
    wrong = check_inception(tmp_path)
    assert wrong.status == "fail" and "15 bytes" in f"{wrong.found} {wrong.remedy}"


def test_the_place_of_a_store_is_tried_by_path_and_by_uri(tmp_path: Path) -> None:
    for place in (str(tmp_path), f"file://{tmp_path}"):
        assert check_store(place).status in ("ok", "warn")  # warn: hardly any room is left on this machine
        assert "(will be created)" in check_store(f"{place}/runs/paper").found
    for place in ("/proc/runs", "file:///proc/runs", "nothing://bucket/runs"):
        found = check_store(place)
        assert found.status == "fail" and found.remedy
    assert list(tmp_path.iterdir()) == [], "nothing is left behind"


def test_doctor_ends_with_1_where_something_must_be_mended(
    ray_cluster: None, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert run_main(monkeypatch, "doctor", "--store", store, "--data", tmp_path) == 0
    said = capsys.readouterr().out
    for check in ("Python", "precision", "data folder", "store", "cifar10", "Inception weights", "Ray worker on"):
        assert check in said
    (tmp_path / "file").write_text("")
    assert run_main(monkeypatch, "doctor", "--store", tmp_path / "file", "--data", tmp_path) == 1
    assert "Give a folder." in capsys.readouterr().out


@pytest.mark.parametrize(("what", "write"), [("cifar10", write_cifar10), ("celeba", write_celeba)])
def test_fetch_prepares_what_is_already_there(tmp_path: Path, what: str, write: Callable[[Path], object]) -> None:
    write(tmp_path)
    ended = run_aesweep("fetch", what, "--to", tmp_path)
    assert (ended.code, ended.out) == (
        0,
        f"{what} is ready. Use it with --data {tmp_path} or AESWEEP_DATA={tmp_path}\n",
    )
    assert sorted(path.name for path in tmp_path.glob("prepared/*/*.npy")) == ["test.npy", "train.npy"]


def test_fetch_refuses_wrong_weights_that_are_already_there(tmp_path: Path) -> None:
    path = tmp_path / "weights-inception-2015-12-05-6726825d.pth"
    path.write_bytes(b"not the weights")
    ended = run_aesweep("fetch", "inception", "--to", tmp_path)
    assert ended.is_refused_clearly and str(path) in ended.err
    assert path.read_bytes() == b"not the weights"
