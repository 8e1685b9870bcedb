"""What is frozen before a sweep is trained: the code and the thresholds that its results will be judged by.

A verdict on data that were seen when the claim, its threshold or the grid was chosen proves little. So a launch writes into
the store what it will be judged by (`sweep/freezing.py`), and the report compares that with what judges it now
(`claims/standing.py`). Code is compared by the SHA-256 of its source: a changed comment counts as a change too, which is
the safe side. Light, since every launch imports it: neither pandas nor scipy.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from aesweep.analysis import thresholds

HERE = Path(__file__).resolve().parent
HASHED = ("claims", "data", "best_setting.py", "over_seeds.py", "power.py", "statistics.py")
"""Files and folders whose source decides verdicts. The numbers in `thresholds.py` are not among them: they are compared one by one."""


@dataclass(frozen=True)
class Frozen:
    """One record of a store (`sweep/store/frozen_claims.py`): what was frozen, and what had been seen by then."""

    claims: str
    """SHA-256 of the code that judges (`claims_sha256`)."""
    thresholds: dict[str, float]
    own: str
    """SHA-256 of the user's own claims file, "" without one."""
    own_file: str
    """Where that file was. A store says so: for messages only, never to be opened."""
    evaluation: str
    keys: frozenset[str]
    """The trials of the spec."""
    seen: frozenset[str]
    """Those that this evaluation had scored before."""
    seen_otherwise: frozenset[str]
    """Those that only another evaluation had scored before."""
    time: str
    """UTC, ISO 8601."""
    aesweep: str


def claims_sha256() -> str:
    """SHA-256 of the source that decides verdicts: the names and bytes of its files, sorted by name."""
    found = hashlib.sha256()
    for path in sorted(hashed_files()):
        data = path.read_bytes()
        found.update(f"{path.relative_to(HERE).as_posix()} {len(data)}\n".encode() + data)
    return found.hexdigest()


def hashed_files() -> list[Path]:
    """The files that `claims_sha256` covers."""
    places = [HERE / name for name in HASHED]
    return [file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))]


def threshold_values() -> dict[str, float]:
    """Every number of `thresholds.py` by its name in lower case."""
    numbers = {name: value for name, value in vars(thresholds).items() if isinstance(value, int | float)}
    return {name.lower(): float(value) for name, value in sorted(numbers.items()) if name.isupper()}
