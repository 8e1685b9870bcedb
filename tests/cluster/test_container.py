"""A container with a read-only root, as an arbitrary user: every command works, with nothing but /tmp and a volume to write to.

Docker is not needed: container.sh makes the same from namespaces. Slow, since each command starts in an empty /tmp.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sweep.conftest import TINY
from tests.waiting import wait_until

CONTAINER = Path(__file__).with_name("container.sh")
BIN = Path(sys.executable).parent
LONG = TINY.replace("epochs: 3", "epochs: 40")


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """The folder that the containers of a test share."""
    if any(BIN.is_relative_to(hidden) for hidden in ("/tmp", "/srv")):
        pytest.skip("the Python of these tests is in a folder that the container replaces")
    if (tried := run(tmp_path, "true")).returncode:
        pytest.skip(f"no user and mount namespaces here: {tried.stderr}")
    (tmp_path / "tiny.yaml").write_text(TINY)
    (tmp_path / "long.yaml").write_text(LONG)
    return tmp_path


def words(volume: Path, command: tuple[str, ...]) -> list[str]:
    return ["env", f"PATH={BIN}:{os.environ['PATH']}", str(CONTAINER), str(volume), *command]


def run(volume: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """A command in a container of its own."""
    return subprocess.run(words(volume, command), capture_output=True, text=True, timeout=600, check=False)


@pytest.mark.slow
def test_a_user_without_a_name_or_a_home_runs_every_command_on_a_read_only_root(volume: Path) -> None:
    launch = ("aesweep", "launch", "tiny.yaml", "--store", "store", "--data", "data")
    doctor = run(volume, "aesweep", "doctor", "--store", "store", "--data", "data")
    assert doctor.returncode == 0, doctor.stdout
    assert run(volume, "touch", "/etc/x").returncode, "the root is read-only"
    for command, said in (
        (("aesweep", "plan", "tiny.yaml", "--data", "data"), "To train: 2 trials"),
        (launch, ""),
        (("aesweep", "status", "store"), "tiny: 2 done"),
        (("aesweep", "report", "store"), "store/report/index.html"),
    ):
        ended = run(volume, *command)
        assert ended.returncode == 0, ended.stderr
        assert said in ended.stdout
        assert command == launch or not ended.stderr, "no library complains"
    assert "Nothing to do: 2 done" in run(volume, *launch).stderr


@pytest.mark.slow
def test_a_sweep_in_a_container_is_stopped_from_another_one_and_resumed_in_a_third(volume: Path) -> None:
    command = ("aesweep", "launch", "long.yaml", "--store", "store", "--data", "data")
    running = subprocess.Popen(words(volume, command), stderr=subprocess.PIPE, text=True)
    wait_until(
        lambda: list(volume.glob("store/trials/*/attempts/*/checkpoint.pt")), 200, "a checkpoint", process=running
    )
    stop = run(volume, "aesweep", "stop", "store", "--wait")
    assert stop.returncode == 0, stop.stderr
    assert running.wait(60) == 130
    unknown = run(volume, "aesweep", "resume", "store")  # a new container has a home that never used the data folder
    assert unknown.returncode == 2 and "add --data /srv/data" in unknown.stderr
    resumed = run(volume, "aesweep", "resume", "store", "--data", "data")
    assert resumed.returncode == 0, resumed.stderr
    assert "tiny: 2 done" in run(volume, "aesweep", "status", "store").stdout


@pytest.mark.slow
def test_a_pod_of_a_cluster_starts_ray_and_runs_the_sweep(volume: Path) -> None:
    """As KubeRay does it: `ray start`, then the launch with `--address auto`."""
    launch = "aesweep launch tiny.yaml --store store --data data --address auto"
    ended = run(volume, "bash", "-c", f"ray start --head --port 0 --num-cpus 2 >/dev/null && {launch}")
    assert ended.returncode == 0, ended.stderr
    assert "tiny: 2 done" in run(volume, "aesweep", "status", "store").stdout
