"""A launch begins when the machines are there."""

import pytest
from ray.util import placement_group_table

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.render import render
from aesweep.cluster.wait import wait, wait_for_gpus, wait_for_machines
from tests.cluster.test_render import VALUES
from tests.in_process import run_aesweep
from tests.waiting import wait_until


def test_machines_that_are_there_are_not_waited_for(ray_cluster: None) -> None:
    wait_for_machines(0, longest_seconds=0.0)
    wait(["0"])


def test_machines_that_do_not_come_are_named_with_what_to_look_at(ray_cluster: None) -> None:
    with pytest.raises(
        ClusterError, match=r"machines besides the head node: 2 cannot be used.\nOnly 0 of them joined in 0 seconds"
    ):
        wait_for_machines(2, longest_seconds=0.0)


def test_a_long_wait_says_how_far_it_is(
    ray_cluster: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("aesweep.cluster.wait.SAY_EVERY_SECONDS", 0.0)
    with pytest.raises(ClusterError):
        wait_for_machines(2, longest_seconds=0.0)
    assert capsys.readouterr().err == "machines besides the head node: 0 of 2 after 0 s\n"


def test_gpus_are_waited_for_and_not_asked_for_any_more_afterwards(ray_cluster: None) -> None:
    wait_for_gpus(0, longest_seconds=0.0)
    with pytest.raises(ClusterError, match=r"GPUs: 1000 cannot be used.\nOnly \d+ of them joined in 0 seconds"):
        wait_for_gpus(1000, longest_seconds=0.0)
    groups = placement_group_table  # asked for anew: removing is not instant
    wait_until(lambda: not [g for g in groups().values() if g["state"] != "REMOVED"], 20, "nothing is asked for")


@pytest.mark.parametrize("words", [["gpus=some"], ["gpus="], ["cpus=4"], ["gpus=1", "host-1"]])
def test_a_count_of_something_else_is_refused(words: list[str]) -> None:
    done = run_aesweep("wait", *words)
    assert done.is_refused_clearly
    assert "Give gpus=COUNT, such as gpus=8" in done.err


def test_how_many_machines_must_be_said() -> None:
    assert run_aesweep("wait").is_refused_clearly
    with pytest.raises(ClusterError, match="Give the number of machines besides the head node"):
        wait([" "])


@pytest.mark.parametrize(
    ("kind", "waits"),
    [
        ("launcher-onprem", "/opt/aesweep/bin/aesweep wait 10.0.0.2,10.0.0.3 &&"),
        ("launcher-aws", "aesweep wait 2 &&"),
    ],
)
def test_the_launch_line_of_a_launcher_file_waits_for_the_workers(kind: str, waits: str) -> None:
    (line,) = [line for line in render(kind, **VALUES[kind]).splitlines() if line.startswith("#   ray exec")]
    assert waits in line
    assert "aesweep launch paper" in line.partition(waits)[2]
