"""Each check says what it found, whether that will do, and what to do about it."""

from pathlib import Path

import pytest

from aesweep.cluster.doctor import (
    Check,
    check_folder,
    check_gpu_sharing,
    check_gpus,
    check_ray,
    check_shared_memory,
    machine_checks,
)


def test_every_check_of_this_machine_gives_a_finding_and_a_remedy_where_one_is_needed() -> None:
    checks = machine_checks()
    expected = ["Python", "libraries", "machine", "GPUs", "shared memory", "open files", "temporary folder"]
    assert [check.name for check in checks] == expected
    for check in checks:
        assert check.found
        assert check.status == "ok" or check.remedy


def test_a_folder_that_does_not_exist_yet_is_judged_by_its_parent(tmp_path: Path) -> None:
    check = check_folder("store", tmp_path / "runs" / "paper")
    assert check.status in ("ok", "warn")
    assert "will be created" in check.found
    assert list(tmp_path.iterdir()) == [], "the check leaves nothing behind"


def test_a_folder_that_cannot_be_written_fails(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert check_folder("store", tmp_path / "file") == Check(
        "store", "fail", f"{tmp_path}/file is a file", "Give a folder."
    )
    assert check_folder("store", "/proc/runs").status == "fail"


def test_a_machine_without_nvidia_smi_gets_a_warning_not_a_failure(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert check_gpus().status == "warn"


@pytest.mark.parametrize(
    ("script", "status", "found"),
    [
        ("echo 'NVIDIA H200, 143771 MiB, 580.1'", "ok", "1: NVIDIA H200, 143771 MiB, 580.1"),
        ("echo 'NVIDIA-SMI has failed'; exit 9", "fail", "NVIDIA-SMI has failed"),
    ],
)
def test_gpus_are_told_by_the_driver_program(
    script: str, status: str, found: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "cc")
    check = check_gpus()
    assert (check.status, check.found) == (status, found)
    monkeypatch.delenv("CC")
    if status == "ok":
        assert "Install gcc" in check_gpus().remedy


@pytest.mark.parametrize(
    ("script", "status", "found"),
    [
        ('[ "$(cat)" = get_server_list ]', "ok", "MPS runs: trials on one GPU compute at the same time"),
        ("echo Cannot find MPS control daemon process; exit 1", "ok", "no MPS: trials on one GPU take turns"),
        (None, "", ""),
    ],
)
def test_a_running_mps_daemon_is_found_by_its_answer(
    script: str | None, status: str, found: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, text in {"nvidia-smi": "true", "nvidia-cuda-mps-control": script}.items():
        if text is not None:
            (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
            (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert [(check.status, check.found) for check in check_gpu_sharing()] == ([(status, found)] if found else [])


def test_missing_shared_memory_is_a_warning(tmp_path: Path) -> None:
    assert check_shared_memory(str(tmp_path / "shm")).status == "warn"


def test_ray_runs_our_staged_code_on_every_machine(ray_cluster: None) -> None:
    ray_check, *workers = check_ray()
    assert ray_check.status == "ok"
    assert "1 machine, " in ray_check.found
    assert [worker.status for worker in workers] == ["ok"]
    assert "working_dir_files" in workers[0].found
