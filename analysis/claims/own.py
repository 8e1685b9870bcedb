"""The user's own claims: a Python file that a spec or `aesweep report --claims` names, and never a store.

The file is a program that runs with the user's rights, so its path only ever comes from the user (docs/security.md). Its
bytes are read once: what is hashed is what runs. Claims of it are judged like the paper's, except that an error in one
becomes its verdict and leaves the others alone.
"""

import ast
import hashlib
import inspect
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import wraps
from pathlib import Path
from types import ModuleType

from aesweep.analysis.claims import CLAIMS
from aesweep.analysis.claims.verdicts import ERROR, OUTCOMES, Claim, Finding, Interval, Verdict
from aesweep.analysis.data.results import Results
from aesweep.analysis.errors import ReportError
from aesweep.analysis.thresholds import SWEPT

MODULE = "aesweep_own_claims"
"""The name of the loaded module. Dataclasses in it look themselves up there."""
MOST_BYTES = 10_000_000
LONGEST_ERROR = 300  # characters
API = "docs/claims.md shows an example."
_OF_PLUGIN = r"(?!(?:digits|cifar10|celeba|folder)-)[a-z][a-z0-9_-]*-[0-9A-Za-z.+_-]+"
DATA = rf"(digits|cifar10|celeba|folder-[0-9a-f]{{8}}|{_OF_PLUGIN})-(32|64)(-lanczos)?(-grey)?"
"""What `Results.data` can be."""
KNOWN_DATA = "digits-32, cifar10-32, celeba-64 or folder-1a2b3c4d-64"


@dataclass(frozen=True)
class OwnClaims:
    """The claims of one file."""

    file: str
    sha256: str
    claims: tuple[Claim, ...]


def load_claims(path: str | Path, field: str = "--claims") -> OwnClaims:
    """Run the file and collect its claims, in their order.

    Raises `ReportError`, whose field is `field`, for a file that cannot be read or run, and for one whose claims are none,
    share a name or cannot be judged.
    """
    file = str(Path(path).absolute())
    source = _read(file, field)
    names = _run(source, file, field)
    found = tuple(dict.fromkeys(one for one in names.values() if isinstance(one, Claim) and one not in CLAIMS))
    if trouble := _trouble(found, source):
        raise ReportError(field, file, trouble)
    guarded = (replace(one, judge=_guarded(one.judge, file)) for one in found)
    return OwnClaims(file, hashlib.sha256(source).hexdigest(), tuple(guarded))


def _read(file: str, field: str) -> bytes:
    try:
        if not Path(file).is_file():
            trouble = "It is not a regular file" if Path(file).exists() else "There is no such file"
            raise ReportError(field, file, f"{trouble}. Give a Python file with your claims.")
        with open(file, "rb") as opened:
            data = opened.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ReportError):
            raise
        raise ReportError(field, file, f"It cannot be read ({error}). Give a Python file that you may read.") from error
    if len(data) > MOST_BYTES:
        raise ReportError(field, file, "It is too long for a file of claims. Give a Python file with your claims.")
    return data


def _run(source: bytes, file: str, field: str) -> dict[str, object]:
    module = ModuleType(MODULE)
    module.__file__ = file
    sys.modules[MODULE] = module
    try:
        exec(compile(source, file, "exec"), module.__dict__)
    except (Exception, SystemExit) as error:
        raise ReportError(field, file, f"It cannot be loaded: {_said(error, file)}. Correct it there.") from error
    return module.__dict__


def _trouble(found: tuple[Claim, ...], source: bytes) -> str:
    """Why these claims cannot be used, and what to do; "" where they can."""
    if not found:
        return f'It declares no claim. Write @claim("…") above a function; {API}'
    defined = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    names = [one.name for one in found]
    for name in names:
        if names.count(name) > 1 or defined.count(name) > 1:
            return f"Two claims are called {name}. Give one of them another name."
        if name in {one.name for one in CLAIMS}:
            return f"{name} is the name of one of aesweep's claims. Give yours another name."
    return next(filter(None, map(_trouble_of, found)), "")


def _trouble_of(one: Claim) -> str:
    if not isinstance(one.quote, str) or not one.quote.strip():
        return f'{one.name} has no sentence. Write it as text: @claim("…"); {API}'
    if unknown := [data for data in one.data if not re.fullmatch(DATA, str(data))]:
        return f"{one.name} names the data set {unknown[0]!r}. Name it as the report does: {KNOWN_DATA}."
    if one.threshold not in ("", *SWEPT):
        return f"{one.name} names the threshold {one.threshold!r}. Choose one of: {', '.join(SWEPT)}."
    try:
        inspect.signature(one.judge).bind(None)
    except TypeError as error:
        return f"{one.name} cannot be called with the results alone ({error}). Write def {one.name}(results: Results)."
    return ""


def _guarded(judge: Callable[[Results], Verdict], file: str) -> Callable[[Results], Verdict]:
    """The same function, whose errors are verdicts. It gets a copy: what it changes is not what the next claim sees."""

    @wraps(judge)
    def guarded(results: Results) -> Verdict:
        try:
            verdict: object = judge(replace(results, trials=results.trials.copy()))
        except (Exception, SystemExit) as error:
            return _failed(_said(error, file))
        if not isinstance(verdict, Verdict):
            return _failed(f"the claim returned {type(verdict).__name__} instead of a Verdict")
        return verdict if _is_sound(verdict) else _failed("the claim returned a Verdict that together() does not make")

    return guarded


def _is_sound(verdict: Verdict) -> bool:
    if not isinstance(verdict.findings, tuple) or not all(isinstance(one, Finding) for one in verdict.findings):
        return False
    outcomes = (verdict.outcome, *(one.outcome for one in verdict.findings))
    return all(one in OUTCOMES for one in outcomes) and all(
        isinstance(one.words, str) and _can_be_drawn(one.intervals) for one in verdict.findings
    )


def _can_be_drawn(intervals: object) -> bool:
    return isinstance(intervals, tuple) and all(
        isinstance(one, Interval) and all(isinstance(number, (int, float)) for number in one) for one in intervals
    )


def _failed(words: str) -> Verdict:
    return Verdict(ERROR, (Finding(ERROR, f"error: {words}"),))


def _said(error: BaseException, file: str) -> str:
    """An error with the line of the user's file that it comes from: `NameError: name 'x' is not defined (line 7)`."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == file]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == file else lines[-1] if lines else None
    message = error.msg if isinstance(error, SyntaxError) else str(error)
    text = f"{type(error).__name__}: {message}".removesuffix(": ").removesuffix(".")[:LONGEST_ERROR]
    text = "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)
    return f"{text} (line {line})" if line else text
