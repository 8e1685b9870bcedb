"""The command line in this process, for tests that run it hundreds of times."""

import contextlib
import io
import sys
from dataclasses import dataclass

from aesweep.sweep.cli import main

LONGEST_ERROR = 2500  # characters; a terminal shows them at once


@dataclass(frozen=True)
class Ended:
    """How one command ended."""

    code: int
    out: str
    err: str

    @property
    def is_refused_clearly(self) -> bool:
        """Exit code 2, with one or two readable lines and nothing else."""
        said = self.err.removesuffix("\n")
        lines = said.split("\n")
        readable = all(line.strip() and line.isprintable() for line in lines)
        return self.code == 2 and len(lines) <= 2 and readable and len(said) <= LONGEST_ERROR


def run_aesweep(*words: object) -> Ended:
    """`aesweep WORDS`. An exception that `main` lets through is the caller's failure."""
    out, err = io.StringIO(), io.StringIO()
    before, sys.argv = sys.argv, ["aesweep", *map(str, words)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
        code = 0
    except SystemExit as end:
        code = int(end.code or 0)
    finally:
        sys.argv = before
    return Ended(code, out.getvalue(), err.getvalue())
