"""The addresses of the page that is served while a sweep runs, and what is found there.

Everything is read when it is asked for. Without a reader nothing is done, and a page that is open on a store where nothing
happens asks for `now.json` only, which costs the store a listing of `progress/` and one question for the tables' version.
A new document is made when tables were published, at most for `SHARE_OF_TIME` of the time.
"""

import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.data.tables import load_tables
from aesweep.analysis.explore.document import document, to_json
from aesweep.analysis.explore.page import live_page
from aesweep.analysis.explore.server import Answer
from aesweep.models.errors import InputError
from aesweep.sweep.commands.explore.shown_tables import ShownTables
from aesweep.sweep.commands.explore.shown_trials import ShownTrials
from aesweep.sweep.store.drivers import living_drivers
from aesweep.sweep.store.layout import is_key
from aesweep.sweep.store.store import Store

HTML, JSON, PNG = "text/html; charset=utf-8", "application/json", "image/png"
MOST_CURVES = 200
DECODED = 64  # images
SHARE_OF_TIME = 0.1
"""Of the time, spent on documents."""


class LivePage:
    """A store's page. Its methods may be called from several threads."""

    def __init__(self, store: Store, temporary: Path, wishes: Wishes) -> None:
        """Reads the tables for the first time. Raises `ReportError` for tables that cannot be read."""
        self._store, self._wishes = store, wishes
        self._tables = ShownTables(store, temporary)
        self._lock, self._drawing = threading.Lock(), threading.Lock()
        self._page = Answer(HTML, live_page().encode())
        self._read()

    def find(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """What is found under an address; None for nothing."""
        key = query.get("key", "")
        match path.split("/"):
            case [""]:
                found: Answer | None = self._page
            case ["now.json"]:
                found = self._now()
            case ["data.json"]:
                found = self._document
            case ["curves.json"]:
                found = self._curves(query.get("keys", "").split(","))
            case ["trial.json"]:
                found = self._trial(key) if is_key(key) else None
            case ["decoded.png"]:
                found = self._decoded(key) if is_key(key) else None
            case ["pictures", of_key, name]:
                found = self._picture(of_key, name)
            case _:
                found = None
        return found

    def _curves(self, keys: Sequence[str]) -> Answer:
        return _json(self._trials.curves([key for key in keys if is_key(key)][:MOST_CURVES]))

    def _trial(self, key: str) -> Answer:
        pictures = self._trials.pictures(key)
        shown = [{"title": title, "source": f"pictures/{key}/{name}"} for name, title in pictures.items()]
        latents = self._trials.latents([key]).get(key)
        return _json({"pictures": shown, "log": self._trials.log(key), "latents": latents})

    def _picture(self, key: str, name: str) -> Answer | None:
        data = self._trials.picture(key, name)
        return Answer(PNG, data) if data is not None else None

    def _decoded(self, key: str) -> Answer | None:
        """Draws of N(0, I), decoded: trials with latents of one size get the same draws. None for one that is not trained."""
        from aesweep.sweep.commands.draw import draw_normal  # torch from here on

        with self._drawing, suppress(InputError):
            return Answer(PNG, draw_normal(self._store, key, DECODED, seed=0))
        return None

    def _now(self) -> Answer:
        """What the drivers say at this moment, and which document belongs to it."""
        living = living_drivers(self._store)
        self._read_again()
        left = [driver.said.eta_seconds for driver in living if driver.said.eta_seconds is not None]
        running = {key: trial.model_dump() for driver in living for key, trial in driver.said.running.items()}
        said = {
            "document": self._document.tag,
            "drivers": [f"{driver.said.host}:{driver.said.pid}" for driver in living],
            "left": max(left, default=None),
            "running": running,
        }
        return _json(said)

    def _read_again(self) -> None:
        """Read the tables where new ones were published; one thread at a time, the others show what there is."""
        if time.monotonic() < self._not_before or self._version == self._tables.version():
            return
        if self._lock.acquire(blocking=False):
            try:
                self._read()
            finally:
                self._lock.release()

    def _read(self) -> None:
        started = time.monotonic()
        version = self._tables.version()
        tables = load_tables(self._tables.read(), self._store.root)
        self._trials = ShownTrials(self._store, tables)
        self._document = Answer(JSON, to_json(document(tables, self._wishes)).encode(), tables.data_hash)
        self._version = version
        ended = time.monotonic()
        self._not_before = ended + (ended - started) / SHARE_OF_TIME


def _json(value: object) -> Answer:
    return Answer(JSON, to_json(value).encode())
