"""What others on the machine can find and do while a sweep runs: no secret in a file or command line, no way in."""

import os
import secrets
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ray import tune
from ray.tune.execution import class_cache

from aesweep.sweep.driver.tune_adapter import callbacks_not_counted, nothing_of_the_environment_passed_on
from aesweep.sweep.store.store import open_store
from tests.cluster.proc import family, listening
from tests.fresh_process import command_environment
from tests.in_process import run_aesweep
from tests.neighbour import USER, attack_as_the_neighbour
from tests.sweep.store.s3_server import MotoServer, Proxy
from tests.waiting import wait_until

SPEC = """
name: neighbours
data: {dataset: digits}
base: {filters: 2, epochs: 3, batch_size: 64}
blocks:
  - {name: running, model: dae, latent_size: 2, epochs: 100000}
  - {name: fine, model: dae, latent_size: 2}
  - {name: failing, model: vae, latent_size: 3, learning_rates: [1.0e+30], learning_rate_drops: []}
evaluation: {extractor: random-conv-64, samples: 200}
execution: {checkpoint_seconds: 0.2}
"""
KEYS = (
    "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "HF_TOKEN", "MLFLOW_TRACKING_PASSWORD",
    "SSH_PASSWORD", "WANDB_API_KEY",
)  # fmt: skip
PLANTED = (
    "aesweep-ray-planted",
    "aesweep-code-planted",
    "aesweep-tune-planted",
    f"aesweep-{os.getuid()}-planted",
    "ray",
)
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="becoming another user needs root")


def test_tune_passes_no_variable_of_the_driver_on(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in class_cache.ENV_VARS_TO_PROPAGATE:
        monkeypatch.setenv(name, "1")
    assert "AWS_SECRET_ACCESS_KEY" in class_cache.ENV_VARS_TO_PROPAGATE  # else the rest shows nothing

    def told() -> set[str]:
        actor: Any = class_cache._ActorClassCache().get(type("Trainable", (tune.Trainable,), {}))
        return set(actor._default_options["runtime_env"]["env_vars"])

    assert "AWS_SECRET_ACCESS_KEY" in told()
    with nothing_of_the_environment_passed_on():
        assert told() == set(class_cache.DEFAULT_ENV_VARS)
    assert "AWS_SECRET_ACCESS_KEY" in told()


def test_tune_imports_no_mlflow_to_count_callbacks_for_a_telemetry_that_is_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray.air.integrations.mlflow", None)  # to import it fails
    with pytest.raises(ImportError):
        tune.tune.air_usage.tag_callbacks([tune.Callback()])
    with callbacks_not_counted():
        tune.tune.air_usage.tag_callbacks([tune.Callback()])


@pytest.mark.parametrize(
    ("uri", "endpoint"),
    [
        ("s3://key:secret@bucket/store", ""),
        ("s3://bucket/store?endpoint_override=http://key:secret%40host", ""),
        ("s3://bucket/store", "http://key:secret@host:9000"),
    ],
)
def test_an_address_with_a_password_is_refused_and_not_repeated(
    uri: str, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    ended = run_aesweep("status", uri)
    assert ended.is_refused_clearly and "with a password" in ended.err and "secret" not in ended.err


@dataclass
class Watcher:
    """Looks for secrets in every command line of the machine, and in every file that the launch has open or keeps in `folder`."""

    secrets: dict[str, str]
    folder: Path
    launch: int
    found: set[str] = field(default_factory=set)
    seen: dict[Path, int] = field(default_factory=dict)
    """How many bytes were read of each file."""

    def __post_init__(self) -> None:
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self) -> None:
        while not self.stopped.wait(0.05):  # the launch needs this machine too
            self.look_at_command_lines()
            self.look_at_files()

    def stop(self) -> None:
        self.stopped.set()
        self.thread.join()
        self.look_at_files()

    def look(self, where: str, data: bytes) -> None:
        self.found |= {f"{name} in {where}" for name, value in self.secrets.items() if value.encode() in data}

    def look_at_command_lines(self) -> None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            self.look("a command line", read(path))

    def look_at_files(self) -> None:
        opened = [link for pid in family(self.launch) for link in links(f"/proc/{pid}/fd")]
        for path in {*self.folder.rglob("*"), *map(Path, opened)}:
            size = size_of(path)
            if size and size != self.seen.get(path):
                self.seen[path] = size
                self.look(str(path), read(path))
                self.look("a name", str(path).encode())


def read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # gone by now
        return b""


def size_of(path: Path) -> int:
    """The size of a regular file of the disk, else 0."""
    try:
        found = path.lstat()
    except OSError:
        return 0
    return found.st_size if stat.S_ISREG(found.st_mode) and not str(path).startswith(("/proc", "/dev")) else 0


def links(folder: str) -> list[str]:
    found = []
    try:
        for entry in os.scandir(folder):
            if entry.stat(follow_symlinks=False).st_mode & stat.S_IWUSR:  # opened for writing (proc(5))
                found.append(os.readlink(entry.path))
    except OSError:  # the process has ended
        pass
    return found


@dataclass
class Ended:
    """A launch with secrets in its environment, and what was found while it ran."""

    watcher: Watcher
    printed: str
    code: int
    broken_in: list[str]
    ports: int
    store: str
    folder: Path


@pytest.fixture(scope="module")
def ended(server: tuple[MotoServer, Proxy]) -> Iterator[Ended]:
    """Three trials in a store on S3. When one is done, one has failed and one still trains, another user attacks."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="aes-") as name:  # short enough for Ray
        folder = Path(name)
        folder.chmod(0o755)
        yield launched(folder, f"s3://bucket/{folder.name}/store")


def launched(folder: Path, store: str) -> Ended:
    plant(folder)
    canaries = {key: f"canary{secrets.token_hex(8)}" for key in (*KEYS, "DATABASE_URL", "https_proxy")}
    env = {**canaries, "TMPDIR": str(folder / "t"), "HOME": str(folder / "home"), "AESWEEP_DATA": str(folder / "data")}
    env["DATABASE_URL"] = f"postgres://user:{canaries['DATABASE_URL']}@host/base"
    env |= {"https_proxy": f"http://user:{canaries['https_proxy']}@127.0.0.1:9", "no_proxy": "127.0.0.1"}
    (folder / "spec.yaml").write_text(SPEC)
    with (folder / "printed").open("w") as printed:
        launch = subprocess.Popen(
            [sys.executable, "-m", "aesweep.sweep.cli", "launch", "spec.yaml", "--store", store],
            cwd=folder, env=command_environment(**env), stdout=printed, stderr=printed, text=True, umask=0o022,
        )  # fmt: skip
    watcher = Watcher(canaries, folder, launch.pid)
    try:
        wait_until(
            lambda: {"scored", "failed"} <= set((folder / "printed").read_text().split()), 250, "two trials have ended",
            (folder / "printed").read_text, launch,
        )  # fmt: skip
        pids = sorted(family(launch.pid))
        ports = {int(place.split()[1]) for place in listening(pids)}
        inside = [
            path for private in (folder / "t").glob("aesweep-*-????????") for path in (private, *private.rglob("*"))
        ]
        assert len(inside) > 20 and len(ports) > 5
        broken_in = attack_as_the_neighbour(inside, pids, sorted(ports)) if os.geteuid() == 0 else []
        assert launch.poll() is None, "it ended before the attack did"
        launch.send_signal(signal.SIGTERM)
        code = launch.wait(100)
    finally:
        launch.kill()
        watcher.stop()
    return Ended(watcher, (folder / "printed").read_text(), code, broken_in, len(ports), store, folder)


def plant(folder: Path) -> None:
    """A folder of temporary files for everybody, in which the neighbour was first: with links, and folders of our names."""
    for name in ("home", "data", "precious"):
        (folder / name).mkdir(mode=0o700)
    (folder / "precious/file").write_text("precious")
    (folder / "t").mkdir()
    (folder / "t").chmod(0o1777)
    for number, name in enumerate(PLANTED):
        path = folder / "t" / name
        if number % 2:
            path.mkdir(mode=0o777)
            path.chmod(0o777)
        else:
            path.symlink_to(folder / "precious")
        if os.geteuid() == 0:
            os.chown(path, USER, USER, follow_symlinks=False)


@pytest.mark.slow
def test_no_secret_of_the_environment_reaches_a_file_or_a_command_line(ended: Ended) -> None:
    assert ended.code == 130 and "NonFiniteLossError" in ended.printed, ended.printed
    assert len(ended.watcher.seen) > 20
    assert ended.watcher.found == set()


@pytest.mark.slow
def test_no_secret_of_the_environment_reaches_the_store(ended: Ended, tmp_path: Path) -> None:
    storage = open_store(ended.store).storage
    files = storage.listing("", 6)
    assert any("/failures/" in name for name in files) and any("/scores/" in name for name in files)
    for name in files:
        ended.watcher.look(f"{name} of the store", storage.read(name) or b"")
    assert ended.watcher.found == set()


@pytest.mark.slow
@needs_root
def test_another_user_reads_changes_and_reaches_nothing_of_a_running_sweep(ended: Ended) -> None:
    assert ended.broken_in == []


@pytest.mark.slow
def test_what_another_user_has_planted_among_the_temporary_files_leads_nowhere(ended: Ended) -> None:
    assert sorted(path.name for path in (ended.folder / "t").iterdir()) == sorted(PLANTED)
    assert (ended.folder / "precious/file").read_text() == "precious"
    assert [path.name for path in (ended.folder / "precious").iterdir()] == ["file"]
    assert [list(path.iterdir()) for path in (ended.folder / "t").iterdir() if not path.is_symlink()] == [[], []]
