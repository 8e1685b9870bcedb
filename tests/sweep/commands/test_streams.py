"""What is printed reaches a file whole; a reader that goes away, a full disk or a closed stream ends no command."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fresh_process import command_environment

AESWEEP = f"{sys.executable} -m aesweep.sweep.cli"


def shell(command: str, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """A line of bash, in which `aesweep` is ours; its exit code is that of the last command that fails."""
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", f'aesweep() {{ {AESWEEP} "$@"; }}; {command}'],
        cwd=cwd,
        env=command_environment(**variables),
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )


@pytest.mark.parametrize("command", ["plan paper | head -1", "plan paper --json | head -c 10", "--help | head -1"])
def test_a_reader_that_goes_away_is_no_error(command: str, tmp_path: Path) -> None:
    done = shell(f"aesweep {command}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout


def test_a_full_disk_behind_the_output_is_two_lines_and_a_closed_output_is_none(tmp_path: Path) -> None:
    full = shell("aesweep plan quickstart > /dev/full", tmp_path)
    assert full.returncode == 2
    assert len(full.stderr.splitlines()) == 2
    assert "No space left" in full.stderr
    closed = shell("aesweep plan quickstart >&-; echo $?; aesweep status nowhere 2>&-; echo $?", tmp_path)
    assert (closed.stdout, closed.stderr) == ("0\n2\n", "")


@pytest.mark.parametrize("variables", [{}, {"COLUMNS": "40"}, {"TERM": "dumb"}, {"PYTHONUNBUFFERED": "1"}])
def test_lines_in_a_file_are_whole_and_without_colours(variables: dict[str, str], tmp_path: Path) -> None:
    name = "a-long-name-" * 6
    spec = {
        "name": name,
        "data": {"dataset": "digits"},
        "blocks": [{"name": name, "model": "dae", "latent_size": 2, "filters": 4, "epochs": 1}],
    }
    (tmp_path / "long.yaml").write_text(json.dumps(spec))
    done = shell("aesweep plan long.yaml > out && cat out", tmp_path, **variables)
    lines = done.stdout.splitlines()
    assert lines[0] == f"{name}: 1 trial", done.stderr
    assert any(
        line.startswith(name) and "1 pending" in line and line.rstrip().endswith(("kB", "MB", "GB")) for line in lines
    )
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("variables", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}])
def test_a_character_that_the_encoding_lacks_is_no_error(
    variables: dict[str, str], tmp_path: Path, small_store: Path
) -> None:
    store = tmp_path / "größe ± …"
    shutil.copytree(small_store, store)  # `tables` writes to it
    done = shell(f"aesweep status {str(store)!r}; aesweep tables {str(store)!r}", tmp_path, **variables)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_sweep_goes_on_when_nobody_reads_its_progress(tiny_spec: Path, tmp_path: Path) -> None:
    """Trained through `launch`, where the stream is the caller's, and launched again through the command line."""
    program = "import sys; from aesweep import launch; sys.exit(launch(*sys.argv[1:]).exit_code)"
    command = (
        f"{sys.executable} -c '{program}' {tiny_spec} store 2>&1 | true; first=${{PIPESTATUS[0]}}; "
        f"aesweep launch {tiny_spec} --store store 2>&1 | true; echo $first ${{PIPESTATUS[0]}}"
    )
    done = shell(command, tmp_path)
    assert (done.stdout, done.stderr) == ("0 0\n", "")
    counts = json.loads(shell("aesweep status store --json", tmp_path).stdout)["counts"]
    assert {state: count for state, count in counts.items() if count} == {"done": 2}
