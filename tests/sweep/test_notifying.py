"""`--notify`: who is told how a sweep ended, and that nothing depends on it."""

import io
import json
import signal
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from aesweep.models.errors import InputError
from aesweep.sweep.driver.outcome import Outcome
from aesweep.sweep.notifying import Notifier, best_setting
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import Store, open_store
from tests.in_process import run_aesweep
from tests.small_store import DONE, HALF, small_spec
from tests.sweep.conftest import TINY, FinishedLaunch, start_cli, wait_for_file
from tests.sweep.webhook import webhook

ENDED = Outcome({"pending": 0, "running": 0, "trained": 0, "done": 1, "failed": 1}, [("a-trial", "it [diverged]")])


def told(target: str, store: Store, spec_dir: Path, outcome: Outcome = ENDED) -> str:
    """What is printed when a launch with this outcome tells somebody."""
    text = io.StringIO()
    console = Console(file=text, width=300)
    again = f"aesweep resume {store.root} --address auto"
    assert Notifier(target).watch(store, small_spec(spec_dir), console, again, lambda: outcome) is outcome
    return text.getvalue()


def test_a_webhook_hears_counts_failures_the_best_setting_and_what_to_do_next(
    small_store: Path, data_dir: Path
) -> None:
    store = open_store(small_store)
    with webhook() as (url, found):
        assert told(url, store, data_dir) == ""
        told(url, store, data_dir, replace(ENDED, interrupted=True))
    first, second = found
    assert (first["state"], first["sweep"], first["counts"]["done"]) == ("failed", "small", 1)
    assert first["failures"] == [{"name": "a-trial", "reason": "it [diverged]"}]
    assert first["best"]["setting"] in DONE.name and first["best"]["metric"] == "fd" and first["best"]["seeds"] == 1
    assert "small: failed after" in first["text"] and f"Next: aesweep report {small_store}" in first["text"]
    assert second["state"] == "stopped" and f"Next: aesweep resume {small_store} --address auto" in second["text"]


def test_a_whole_launch_tells_a_command_how_it_ended(finished_launch: FinishedLaunch) -> None:
    message = json.loads(finished_launch.told.read_text())
    assert (message["state"], message["sweep"], message["failures"]) == ("done", "tiny", [])
    assert (message["counts"]["done"], message["report"]) == (2, None) and message["seconds"] > 0
    scores = pd.read_parquet(finished_launch.store / "tables" / "scores.parquet")
    fd = scores[(scores.metric == "fd") & (scores.source != "reconstruction")].value
    assert message["best"]["value"] == fd.min() and "Best: digits-" in message["text"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["url", "command"])
def test_a_launch_that_ctrl_c_stops_tells_what_was_done_and_how_to_go_on(
    tmp_path: Path, own_env: dict[str, str], foreground: None, kind: str
) -> None:
    spec, store, file = tmp_path / "tiny.yaml", tmp_path / "store", tmp_path / "told.json"
    spec.write_text(TINY)
    with webhook() as (url, found):
        words = ["--store", store, "--set", "epochs=100000", "--notify", url if kind == "url" else f"tee {file}"]
        sweep = start_cli("launch", spec, *words, cwd=tmp_path, env=own_env)
        wait_for_file(store, "trials/*/attempts/*/checkpoint.pt", sweep)
        sweep.send_signal(signal.SIGINT)
        _, said = sweep.communicate(timeout=120)
    message = found[0] if kind == "url" else json.loads(file.read_text())
    assert message["state"] == "stopped" and message["counts"]["done"] == 0, said
    assert f"Next: aesweep resume {store}" in message["text"]
    (record,) = (store / "launches").glob("*.json")
    assert "secret" not in record.read_text() + said, "the address of a webhook is a password"


@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_a_proxy_is_not_asked_for_a_webhook_of_this_machine(
    small_store: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    with webhook() as (url, found):
        assert told(url, open_store(small_store), data_dir) == ""
        assert told(url.replace("127.0.0.1", "localhost"), open_store(small_store), data_dir) == ""
    assert len(found) == 2


def test_a_command_gets_the_message_on_its_input(small_store: Path, data_dir: Path, tmp_path: Path) -> None:
    assert told(f"tee '{tmp_path}/a message.json'", open_store(small_store), data_dir) == ""
    assert json.loads((tmp_path / "a message.json").read_text())["sweep"] == "small"


def test_a_launch_that_gives_up_says_why_and_still_raises(small_store: Path, data_dir: Path) -> None:
    def fail() -> Outcome:
        raise StorageError("/the/store", "The disk is full. Make room.")

    with webhook() as (url, found), pytest.raises(StorageError):
        Notifier(url).watch(
            open_store(small_store), small_spec(data_dir), Console(quiet=True), "aesweep resume x", fail
        )
    assert found[0]["state"] == "gave up" and "The disk is full" in found[0]["text"]
    assert found[0]["text"].endswith("Next: aesweep resume x")


@pytest.mark.parametrize("target", ["false", "http://127.0.0.1:9/services/secret", "500"])
def test_a_message_that_does_not_arrive_is_a_warning_without_the_address(
    small_store: Path, data_dir: Path, target: str
) -> None:
    with webhook(500) as (url, _):
        said = told(url if target == "500" else target, open_store(small_store), data_dir)
    assert said.startswith("Nobody was told: --notify ") and said.count("\n") == 1 and "secret" not in said


UNREADABLE = [
    "http://[secret",
    "https:///secret",
    "https://host:99999/secret",
    "https://host/a secret",
    "https://host/secrét",
]


@pytest.mark.parametrize("target", ["no-such-program --x", "'open", "ftp://host/secret", " ", *UNREADABLE])
def test_what_cannot_be_told_anything_is_refused_before_the_launch(target: str, tmp_path: Path) -> None:
    with pytest.raises(InputError):
        Notifier(target)
    refused = run_aesweep("launch", "quickstart", "--store", tmp_path / "store", "--notify", target)
    assert refused.is_refused_clearly and "secret" not in refused.err and not (tmp_path / "store").exists()


def test_the_best_setting_is_a_mean_over_the_seeds_and_never_a_lone_one() -> None:
    configs = [DONE, replace(DONE, seed=7), HALF]
    rows = [
        {"key": config.key, "value": value, "source": "mvg", "metric": "fd"}
        for config, value in zip(configs, (3.0, 5.0, 1.0), strict=True)
    ]
    best = best_setting(rows, configs)
    assert best is not None and (best["value"], best["stderr"], best["seeds"]) == (4.0, 1.0, 2)
    assert best["setting"] in DONE.name
    assert best_setting([], configs) is None
