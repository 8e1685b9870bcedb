"""Temporary folders that are long, full, read-only, missing or somebody else's: a launch starts, or says so in two lines."""

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aesweep.cluster.scratch import NoRoomError, no_room_in_worker, temporary_folder
from aesweep.cluster.temporary import LONGEST_BYTES, VARIABLES, find_folder, troubles
from tests.fresh_process import command_environment

SMALL = """
name: small
data: {dataset: digits}
blocks:
  - {model: dae, latent_size: 2, filters: 4, epochs: EPOCHS, batch_size: 32}
evaluation: {samples: 200, reference_size: 200}
"""


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for Ray; pytest's own is not."""
    with tempfile.TemporaryDirectory(dir="/tmp", prefix="aes-") as name:
        yield Path(name)


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def aesweep(folder: Path, *words: object, mount: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own; with `mount`, the options of a small disk at `folder/d`, which only it sees."""
    command = [sys.executable, "-m", "aesweep.sweep.cli", *map(str, words)]
    if mount:
        (folder / "d").mkdir()
        script = f"mount -t tmpfs -o {mount} none {shlex.quote(str(folder / 'd'))} && exec {shlex.join(command)}"
        command = ["unshare", "-r", "-m", "bash", "-c", script]
    environment = command_environment(**variables)
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=280, check=False
    )


@pytest.fixture(scope="module")
def namespaces() -> None:
    done = subprocess.run(["unshare", "-r", "-m", "true"], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"there are no user namespaces here: {done.stderr.strip()}")


def spec_in(folder: Path, epochs: int = 1) -> Path:
    path = folder / "small.yaml"
    path.write_text(SMALL.replace("EPOCHS", str(epochs)))
    return path


def assert_refused(done: subprocess.CompletedProcess[str], variable: str, folder: Path, reason: str) -> None:
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    value, remedy = done.stderr.splitlines()[-2:]
    assert value == f"{variable}: '{folder}' cannot be used."
    assert remedy.startswith(reason)
    assert f"set {variable} to another folder" in remedy


@pytest.mark.parametrize("variable", VARIABLES)
def test_a_folder_that_is_not_there_is_named_with_its_variable(variable: str, short: Path) -> None:
    missing = short / "gone"
    done = aesweep(short, "launch", spec_in(short), "--store", short / "store", **{variable: str(missing)})
    assert_refused(done, variable, missing, "It does not exist.")
    assert not missing.exists()
    assert sorted(path.name for path in short.iterdir()) in (["small.yaml"], ["small.yaml", "store"])


@pytest.mark.parametrize(
    ("mount", "reason"),
    [("size=100k", "It has no room for 17 MB"), ("ro", "It cannot be written to (Read-only file system)")],
)
def test_a_full_or_read_only_folder_is_refused_before_ray_starts(
    mount: str, reason: str, namespaces: None, short: Path
) -> None:
    disk = short / "d"
    words = ("launch", spec_in(short), "--store", short / "store")
    assert_refused(aesweep(short, *words, mount=mount, TMPDIR=str(disk)), "TMPDIR", disk, reason)


def test_a_folder_of_somebody_else_is_refused(monkeypatch: pytest.MonkeyPatch, short: Path) -> None:
    theirs = Path("/proc/self/fd") if os.geteuid() == 0 else Path("/root")  # root may write almost anywhere
    monkeypatch.setenv("TMPDIR", str(theirs))
    (trouble,) = troubles()
    assert (trouble.field, trouble.value) == ("TMPDIR", str(theirs))


def test_doctor_says_the_same_words(short: Path) -> None:
    done = aesweep(short, "doctor", "--data", short, TMPDIR=str(short / "gone"))
    said = "".join(done.stdout.split())
    remedy = "It does not exist. Make it one that you may write to, or set TMPDIR to another folder."
    assert (done.returncode, done.stderr) == (1, "")
    assert f"failTMPDIR{short}/gone{remedy.replace(' ', '')}" in said


def test_folders_that_ray_cannot_use_are_passed_over(monkeypatch: pytest.MonkeyPatch, short: Path) -> None:
    for name in ("a" * LONGEST_BYTES, "ü"):
        (short / name).mkdir()
        monkeypatch.setenv("TMPDIR", str(short / name))
        assert troubles() == []
        assert find_folder() != short / name
    monkeypatch.setenv("RAY_TMPDIR", str(short))
    assert find_folder() == short, "the variable of Ray comes first"


def test_a_folder_that_others_could_exchange_is_passed_over(monkeypatch: pytest.MonkeyPatch, short: Path) -> None:
    monkeypatch.setenv("TMPDIR", str(short))
    short.chmod(0o777)
    assert find_folder() != short
    short.chmod(0o1777)  # with the sticky bit only owners rename what is theirs
    assert find_folder() == short


def test_only_this_user_can_enter_a_temporary_folder() -> None:
    with temporary_folder("ray") as folder:
        assert folder.stat().st_mode & 0o777 == 0o700


def test_an_error_in_a_folder_without_room_is_told_as_that(namespaces: None, short: Path) -> None:
    code = (
        "import os\n"
        "from aesweep.cluster.scratch import temporary_folder\n"
        "try:\n"
        "    with temporary_folder('kind') as folder:\n"
        "        (folder / 'big').write_bytes(bytes(19_500_000))\n"
        "        raise RuntimeError('what Ray makes of it')\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, type(error.__cause__).__name__, error)\n"
    )
    (short / "d").mkdir()
    script = f"mount -t tmpfs -o size=20000k none {short}/d && exec {shlex.join([sys.executable, '-c', code])}"
    done = subprocess.run(
        ["unshare", "-r", "-m", "bash", "-c", script],
        env=command_environment(TMPDIR=f"{short}/d"), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    lines = done.stdout.splitlines()
    assert lines[0] == f"NoRoomError RuntimeError temporary folder: '{short}/d' cannot be used.", done
    assert "Make room there, or set TMPDIR to another folder, and run the same command again" in lines[1]


def test_a_full_disk_behind_an_error_of_a_worker_is_recognised() -> None:
    try:
        try:
            raise OSError(28, "No space left on device", "/scratch/kernel.so")
        except OSError as full:
            raise RuntimeError("the compiler failed") from full
    except RuntimeError as error:
        found = no_room_in_worker(error)
    assert isinstance(found, NoRoomError) and found.value == "/scratch/kernel.so"
    assert no_room_in_worker(RuntimeError("anything else")) is None


@pytest.mark.slow  # the reproduction of issue 14 launches the same way
@pytest.mark.timeout(300)
def test_a_long_folder_does_not_matter_and_nothing_is_left(short: Path) -> None:
    long = short / "slurm_jobdir" / "alice" / "1355700.batch" / "tmp.t0016"
    long.mkdir(parents=True)
    done = aesweep(short, "launch", spec_in(short), "--store", short / "store", TMPDIR=str(long))
    assert done.returncode == 0, done.stderr
    assert [path.name for path in long.iterdir() if path.name.startswith(("ray", "aesweep"))] == []


FILLED_WHILE_RUNNING = """
mount -t tmpfs -o size=40m none "$1"
export TMPDIR=$1; shift
"$@" 2>err & driver=$!
until grep -q running err || ! kill -0 $driver 2>/dev/null; do sleep 0.2; done
dd if=/dev/zero of=$TMPDIR/big bs=1M count=99 2>/dev/null
wait $driver
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_folder_that_fills_while_a_sweep_runs_loses_nothing(namespaces: None, short: Path) -> None:
    """It ends in two lines, or does without the room; the same command finishes the sweep, and no trial has failed."""
    (short / "d").mkdir()
    words = ["launch", str(spec_in(short, epochs=20)), "--store", str(short / "store")]
    command = [sys.executable, "-m", "aesweep.sweep.cli", *words]
    done = subprocess.run(
        ["unshare", "-r", "-m", "bash", "-c", FILLED_WHILE_RUNNING, "bash", str(short / "d"), *command],
        cwd=short, env=command_environment(), timeout=280, check=False,
    )  # fmt: skip
    said = (short / "err").read_text()
    assert done.returncode in (0, 2) and "Traceback" not in said, said
    if done.returncode == 2:
        assert said.splitlines()[-2] == f"temporary folder: '{short}/d' cannot be used."
        assert "set TMPDIR to another folder, and run the same command again" in said.splitlines()[-1]
    again = aesweep(short, *words)
    assert again.returncode == 0, again.stderr
    status = json.loads(aesweep(short, "status", short / "store", "--json").stdout)
    assert "failed" not in json.dumps(status).replace('"failed": 0', "")
