"""How much room files take that may be removed."""

from aesweep.sweep.store.storage import is_folder, size_of
from aesweep.sweep.store.store import Store

DEPTH = 8  # more levels of folders than a trial has


def sizes_below(store: Store, folder: str) -> dict[str, int]:
    """Every file below a folder, by name, with its length in bytes."""
    listing = store.storage.listing(folder, DEPTH)
    return {name: size_of(version) for name, version in sorted(listing.items()) if not is_folder(version)}
