"""What a new Python process has imported when it is done: the promise that planning and looking start fast."""

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]


def command_environment(**more: str) -> dict[str, str]:
    """The environment of a command that finds our code, and none in the folder that it is started from."""
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONSAFEPATH": "1", **more}


def run_python(
    program: str, *words: object, cwd: Path = REPOSITORY, timeout: float = 120
) -> subprocess.CompletedProcess[str]:
    """A program in a process of its own; `words` are its arguments."""
    return subprocess.run(
        [sys.executable, "-c", program, *map(str, words)],
        cwd=cwd,
        env=command_environment(),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def modules_after(code: str, *words: object, cwd: Path = REPOSITORY) -> set[str]:
    """Modules that `code` has imported when it ends, such as `scipy` and `scipy.stats`; `words` are its arguments."""
    program = f"import sys\n{code}\nprint('MODULES', *sys.modules)"
    done = run_python(program, *words, cwd=cwd)
    lines = [line for line in done.stdout.splitlines() if line.startswith("MODULES")]
    assert done.returncode == 0 and lines, done.stderr
    return set(lines[0].split()[1:])


def modules_after_command(*words: object, cwd: Path) -> set[str]:
    """The same of a command line that ends well."""
    code = "from aesweep.sweep.cli import main\ntry:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code"
    return modules_after(code, *words, cwd=cwd)
