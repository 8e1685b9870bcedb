"""What a page shows of a single trial: pictures, latents, its log and learning curve. Read from the store when asked for."""

import re
from collections.abc import Collection
from typing import Any

from aesweep.analysis.data.tables import Tables
from aesweep.analysis.explore.curves import SERIES, Curve, curve, curves
from aesweep.analysis.explore.latents import Latents, latents
from aesweep.analysis.pictures import PICTURES, PNG_BEGINNING
from aesweep.sweep.store.layout import LOG, attempt_folder
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.schemas import TRAINED, UNFINISHED

LOG_BYTES = 4_000
MOST_PICTURES = 24  # of one trial
TITLES = {name: title for name, (_, title) in PICTURES.items()} | {
    "reconstruction-train.png": "Reconstructions (train)"
}
_PICTURE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}\.png")
_FOLDER = re.compile(r"trials/[0-9a-f]{12}/attempts/[A-Za-z0-9-]+/samples")


class ShownTrials:
    """The trials of a store, and the tables that were read of it."""

    def __init__(self, store: Store, tables: Tables) -> None:
        self._store, self._root = store, tables.root
        folders = zip(tables.trials["key"], tables.trials["pictures"].fillna(""), strict=True)
        self._folders = {key: name for key, name in folders if _FOLDER.fullmatch(name)}

    def pictures(self, key: str) -> dict[str, str]:
        """File -> title of each picture, the known ones first; files from elsewhere may have any name, and are left out."""
        if key not in self._folders:
            return {}
        names = [name for name in self._store.storage.names(self._folders[key]) if _PICTURE.fullmatch(name)]
        known = list(TITLES)
        names.sort(key=lambda name: (known.index(name) if name in TITLES else len(known), name))
        names = names[:MOST_PICTURES]
        return {name: TITLES.get(name, name.removesuffix(".png")) for name in names}

    def place(self, key: str, name: str) -> str:
        """The name of a picture in the store; "" where it cannot be one."""
        return f"{self._folders[key]}/{name}" if key in self._folders and _PICTURE.fullmatch(name) else ""

    def picture(self, key: str, name: str) -> bytes | None:
        """The bytes of a picture; None where there is none."""
        place = self.place(key, name)
        data = self._store.storage.read(place) if place else None
        return data if data is not None and data.startswith(PNG_BEGINNING) else None

    def log(self, key: str) -> str:
        """The end of the log of the newest training attempt, control characters replaced; "" without one."""
        attempts = self._store.attempts.of(key, "train")
        file = self._store.storage.open(f"{attempt_folder(key, attempts[-1])}/{LOG}") if attempts else None
        if file is None:
            return ""
        with file:
            before = max(0, file.seek(0, 2) - LOG_BYTES)
            file.seek(before)
            text = file.read(LOG_BYTES).decode(errors="replace")
        text = text.partition("\n")[2] if before else text
        return "".join(c if c.isprintable() or c in "\n\t" else "\N{REPLACEMENT CHARACTER}" for c in text)

    def curves(self, keys: Collection[str]) -> dict[str, Curve]:
        """Learning curves; of a training without a result, the epochs of the last half minute too."""
        found = curves(self._root, keys)
        unfinished = {key: self._unfinished(key) for key in keys if found.get(key, {}).get("state") != TRAINED}
        return found | {key: one for key, one in unfinished.items() if one["epoch"]}

    def latents(self, keys: Collection[str]) -> dict[str, Latents]:
        """Points in two latent units, of the trials that have any."""
        return latents(self._root, keys)

    def _unfinished(self, key: str) -> dict[str, Any]:
        history = self._store.attempts.read_epochs(key)
        return curve(UNFINISHED, {name: [getattr(epoch, name) for epoch in history] for name in ("epoch", *SERIES)})
