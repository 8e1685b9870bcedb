"""The command line in a terminal: its width, short help, and completion by real shells."""

import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from tests.fresh_process import command_environment
from tests.in_process import run_aesweep
from tests.small_store import DONE, FAILED, HALF, copy_at_work

PROGRAM = Path(sys.executable).with_name("aesweep")


def in_terminal(columns: int, *words: object) -> str:
    """What `aesweep WORDS` shows on a terminal of this width, without its colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in command_environment().items() if name not in ("COLUMNS", "LINES")}
    process = subprocess.Popen(
        [PROGRAM, *map(str, words)], stdout=theirs, stderr=theirs, env={**environment, "TERM": "xterm"}
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 65536):
            shown += part
    except OSError:  # Linux says so that the other end is closed
        pass
    os.close(ours)
    assert process.wait(60) == 0, shown
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.decode()).replace("\r", "")


def test_tables_use_the_width_of_the_terminal_and_cut_nothing(small_store: Path, tmp_path: Path) -> None:
    store = copy_at_work(small_store, tmp_path / "store")
    names = [trial.name for trial in (DONE, HALF, FAILED)]
    wide = in_terminal(200, "list", store)
    assert all(re.search(rf"^{name} ", wide, re.MULTILINE) for name in names) and "standard_normal" in wide
    narrow = in_terminal(80, "list", store)
    assert "…" not in narrow and all(len(line) <= 80 for line in narrow.splitlines())
    (number,) = re.findall(rf"^{DONE.name} +done +(\S+) ", wide, re.MULTILINE)
    assert number in narrow and "N(0, I)" in narrow
    folded = "".join(line.split(" ")[0] for line in narrow.splitlines())
    assert all(name in folded for name in names), "a long name goes over two lines"
    running = in_terminal(200, "status", store)
    assert re.search(rf"running +{HALF.name} +epoch 1/2 +loss 0\.5312 +9 images/s", running)


def test_short_help_is_help() -> None:
    for words in ([], ["launch"], ["evaluate"]):
        short, long = run_aesweep(*words, "-h"), run_aesweep(*words, "--help")
        assert short.code == long.code == 0 and short.out == long.out != ""


def completed_by_bash(*lines: list[str]) -> list[list[str]]:
    """What bash offers after the words of each line, the last one being begun, with the script that aesweep gives it."""
    program = f"source <(_AESWEEP_COMPLETE=source_bash {PROGRAM}) && complete -p aesweep >&2"
    for words in lines:
        asked = f"COMP_WORDS=({' '.join(map(repr, words))}); COMP_CWORD={len(words) - 1}"
        program += f' && {asked}; _aesweep_completion {PROGRAM} && echo "${{COMPREPLY[@]}}"'
    environment = {**command_environment(), "PATH": f"{PROGRAM.parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", program], env=environment, capture_output=True, text=True, timeout=60, check=True
    )
    assert "-F _aesweep_completion aesweep" in done.stderr
    return [line.split() for line in done.stdout.splitlines()]


def test_bash_completes_verbs_options_and_presets() -> None:
    verbs, verb, options, preset, tracker = completed_by_bash(
        ["aesweep", ""],
        ["aesweep", "la"],
        ["aesweep", "launch", "--s"],
        ["aesweep", "launch", "quick"],
        ["aesweep", "launch", "quickstart", "--track", "ten"],
    )
    assert {"plan", "launch", "evaluate"} < set(verbs)
    assert verb == ["launch"]
    assert {"--store", "--set"} <= set(options)
    assert preset == ["quickstart"]
    assert tracker == ["tensorboard"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_a_script_that_they_can_read(shell: str) -> None:
    done = subprocess.run(
        [PROGRAM],
        env={**command_environment(), "_AESWEEP_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert f"complete_{shell}" in done.stdout
    if shutil.which(shell) is not None:
        subprocess.run([shell, "-n", "/dev/stdin"], input=done.stdout, text=True, timeout=60, check=True)
