"""A tiny real sweep, launched once for all tests that look at a finished store; an S3 server for those that need one."""

import io
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from ray.tune import Callback
from ray.tune.experiment import Trial
from ray.tune.logger import CSVLoggerCallback
from rich.console import Console

from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.sweep.cli import main
from aesweep.sweep.launch import launch
from aesweep.sweep.store import on_s3 as object_storage
from tests.documents import TRACKING, fenced_python
from tests.fresh_process import command_environment
from tests.sweep.driver.aftermath import own_temporary_folder
from tests.sweep.store.s3_server import MotoServer, Proxy
from tests.sweep.store.small_disk import SmallDisk, mounted
from tests.waiting import wait_until

TINY = """
name: tiny
data: {dataset: digits}
base: {filters: 4, epochs: 3, batch_size: 64}
blocks:
  - name: both
    model: [dae, vae]
    latent_size: 3
evaluation: {extractor: random-conv-64, samples: 300}
execution: {checkpoint_seconds: 0.2}
"""


@pytest.fixture(scope="session")
def tiny_spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The YAML file of a sweep of two small trials on digits."""
    path = tmp_path_factory.mktemp("spec") / "tiny.yaml"
    path.write_text(TINY)
    return path


class Tracker(Callback):
    """A user's callback: keeps what W&B or MLflow would be sent. Like theirs, it cannot be pickled."""

    def __init__(self) -> None:
        self.configs: dict[str, dict[str, Any]] = {}
        self.results: dict[str, list[dict[str, Any]]] = {}
        self.scores: dict[str, list[ScoreRow]] = {}
        self.lock = threading.Lock()

    def on_trial_start(self, iteration: int, trials: list[Trial], trial: Trial, **info: Any) -> None:
        self.configs[str(trial)] = dict(trial.config)

    def on_trial_result(
        self, iteration: int, trials: list[Trial], trial: Trial, result: dict[str, Any], **info: Any
    ) -> None:
        self.results.setdefault(str(trial), []).append(dict(result))

    def on_scored(self, trial: TrialConfig, scores: Sequence[ScoreRow]) -> None:
        self.scores[trial.name] = list(scores)


class Unreachable(Callback):
    """A user's callback whose server does not answer."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def setup(self, *words: Any, **info: Any) -> None:
        self.calls.append("setup")

    def on_trial_result(self, *words: Any, **info: Any) -> None:
        self.calls.append("on_trial_result")
        raise ConnectionError("[no route]")


@dataclass
class FinishedLaunch:
    """A launch that has ended: its store, the callbacks that were given to it, and what it printed."""

    store: Path
    tracker: Tracker
    unreachable: Unreachable
    score_log: Path
    """What the example of docs/tracking.md wrote."""
    printed: str
    told: Path
    """What `--notify` handed to a command."""


@pytest.fixture(scope="session")
def finished_launch(tiny_spec: Path, ray_cluster: None, tmp_path_factory: pytest.TempPathFactory) -> FinishedLaunch:
    """The tiny sweep, run to its end without disturbance, with four callbacks and both trackers."""
    folder, tracker, unreachable = tmp_path_factory.mktemp("finished"), Tracker(), Unreachable()
    store, text, told = folder / "store", io.StringIO(), folder / "told.json"
    console = Console(file=text, width=200)
    shown: dict[str, Any] = {}
    exec("\n".join(fenced_python(TRACKING)), shown)
    callbacks = [unreachable, tracker, CSVLoggerCallback(), shown["ScoreLog"](str(folder / "scores.jsonl"))]
    trackers, notify = ["tensorboard", "mlflow"], f"tee '{told}'"
    outcome = launch(str(tiny_spec), store, callbacks=callbacks, track=trackers, notify=notify, console=console)
    assert outcome.exit_code == 0, outcome.failures
    return FinishedLaunch(store, tracker, unreachable, folder / "scores.jsonl", text.getvalue(), told)


@pytest.fixture(scope="session")
def finished_store(finished_launch: FinishedLaunch) -> Path:
    """The store of the tiny sweep. Tests must not change it."""
    return finished_launch.store


@pytest.fixture(scope="session")
def moto() -> Iterator[tuple[MotoServer, Proxy]]:
    """One server for the session, and its proxy: starting one takes seconds, and each test has a place of its own there."""
    moto = MotoServer()
    proxy = Proxy(moto.port)
    yield moto, proxy
    proxy.stop()
    moto.stop()


@pytest.fixture(scope="module")
def server(moto: tuple[MotoServer, Proxy]) -> Iterator[tuple[MotoServer, Proxy]]:
    """The server and its proxy, and an environment that leads to them."""
    _, proxy = moto
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", proxy.url)
        patch.setenv("AWS_ACCESS_KEY_ID", "test")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield moto


@pytest.fixture
def proxy(server: tuple[MotoServer, Proxy], monkeypatch: pytest.MonkeyPatch) -> Proxy:
    """The proxy without faults, and retries without long pauses."""
    monkeypatch.setattr(object_storage, "FIRST_PAUSE_SECONDS", 0.05)
    server[1].plan()
    return server[1]


@pytest.fixture
def uri(proxy: Proxy, request: pytest.FixtureRequest) -> str:
    """A place of the test's own."""
    return f"s3://bucket/{abs(hash(request.node.nodeid))}/store"


@pytest.fixture
def own_env() -> Iterator[dict[str, str]]:
    """An environment for commands; after the test none of their processes and temporary files is left."""
    with own_temporary_folder() as env:
        yield env


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 16 megabytes, mounted for the test."""
    with mounted(tmp_path / "disk") as disk:
        yield disk


def run_cli(
    *words: object, cwd: Path, env: dict[str, str] | None = None, timeout: float = 240
) -> subprocess.CompletedProcess[str]:
    """The command line as a user starts it, in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "aesweep.sweep.cli", *map(str, words)],
        cwd=cwd,
        env=command_environment(**(env or {})),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def start_cli(*words: object, cwd: Path, env: dict[str, str] | None = None) -> subprocess.Popen[str]:
    """The same, still running."""
    return subprocess.Popen(
        [sys.executable, "-m", "aesweep.sweep.cli", *map(str, words)],
        cwd=cwd,
        env=command_environment(**(env or {})),
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_file(store: Path, pattern: str, process: subprocess.Popen[str], timeout: float = 200) -> None:
    """Wait until the running command has written a file of the store."""
    wait_until(lambda: list(store.glob(pattern)), timeout, f"{pattern} is there", process=process)


def run_main(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """`aesweep WORDS` in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["aesweep", *map(str, words)])
    with pytest.raises(SystemExit) as end:
        main()
    return int(end.value.code or 0)
