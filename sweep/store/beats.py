"""Signs of life: a small file for each attempt at work, next to its driver's progress file, rewritten again and again.

    progress/<driver>--<key>--<attempt>.alive   the Ray node and the process that work on the attempt now

A frozen process (SIGSTOP, a stuck GPU) ends nothing and reports nothing; only its silence tells. The driver looks at the
versions of these files, one listing for all of them, and counts by its own clock (sweep/driver/silence.py). The file is
there while somebody works on the attempt: what waits for its turn is not silent.
"""

from aesweep.sweep.store.records.attempts import BeatRecord
from aesweep.sweep.store.store import Store

SUFFIX = ".alive"
Work = tuple[str, str]
"""Key and attempt."""


def beat_name(driver: str, key: str, attempt: str) -> str:
    """The file of one attempt; `driver` is the name of its driver's progress file."""
    return f"progress/{driver.removesuffix('.json')}--{key}--{attempt}{SUFFIX}"


def beats(store: Store, driver: str) -> dict[Work, str]:
    """Version of the sign of life of everything that works for this driver."""
    found: dict[Work, str] = {}
    for path, version in store.storage.listing("progress", 1).items():
        owner, _, rest = path.removeprefix("progress/").removesuffix(SUFFIX).rpartition("--")
        owner, _, key = owner.rpartition("--")
        if path.endswith(SUFFIX) and f"{owner}.json" == driver:
            found[key, rest] = version
    return found


def read_beat(store: Store, driver: str, work: Work) -> BeatRecord | None:
    """Who works on an attempt."""
    return store.records.read(beat_name(driver, *work), BeatRecord)
