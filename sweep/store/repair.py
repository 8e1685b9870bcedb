"""Sets aside what `verify` found missing or damaged, so that the next launch does exactly that work again.

A commit whose files are not what it names becomes a vacancy; anything else that can be made again leaves its place. Both
happen only while the file holds the very bytes that were found (docs/store.md), so drivers may be at work meanwhile, and
nothing is deleted: the bytes stay in a file `….damaged-…`, and the attempt's other files where they are.
"""

from collections.abc import Iterable
from contextlib import suppress

from aesweep.models.errors import InputError
from aesweep.sweep.store.records.commits import vacancy
from aesweep.sweep.store.storage import digest_of
from aesweep.sweep.store.store import Store
from aesweep.sweep.store.verify import Finding


def repair(store: Store, findings: Iterable[Finding]) -> list[str]:
    """Set aside what stands in the way of the work, and write lost configurations again; the names of the kept copies.

    Raises `StorageError` for a store that cannot be written to.
    """
    kept, done = [], set[str]()
    for finding in findings:
        if finding.aside and finding.aside not in done:
            done.add(finding.aside)
            kept += _set_aside(store, finding)
        if finding.work == "configure":
            with suppress(InputError):  # no spec of the store knows the trial either
                store.trials.config(finding.key)
    return kept


def _set_aside(store: Store, finding: Finding) -> list[str]:
    """The name of the copy; none where others set the file aside or wrote it again since it was found."""
    storage = store.storage
    found = storage.read(finding.aside)
    if found is None or digest_of([found]) != finding.stamp:
        return []
    left = vacancy() if finding.work in ("train", "score") else None
    aside = storage.set_aside(finding.aside, found, left)
    return [aside] if aside is not None else []
