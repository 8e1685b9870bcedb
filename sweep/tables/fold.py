"""The five Parquet tables: a view of the commits that can always be made again.

Each trial's rows are kept as small Arrow tables in memory, so that adding one trial to many costs what it adds;
publishing joins them and replaces each file whole. `tables/folded.json`, written last, names the commits that the
files were made from: when it does not match the store (a driver was killed while folding), the next launch folds again.
"""

import logging
import time
from contextlib import suppress
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from aesweep.models.errors import InputError
from aesweep.models.identity import content_hash
from aesweep.sweep.store.drivers import drivers, running_trials
from aesweep.sweep.store.layout import FOLDED
from aesweep.sweep.store.records import FoldedTables, file_record
from aesweep.sweep.store.states import trial_state
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.published import published_rows, published_table
from aesweep.sweep.tables.rows import trial_tables
from aesweep.sweep.tables.schemas import COLUMNS, SCHEMA_VERSION, schema
from aesweep.sweep.version import aesweep_version

PUBLISH_EVERY_SECONDS = 30.0
FOLDERS = ("", "/attempts", "/scores", "/failures")  # of a trial, whose files its rows are made from
SHARE_OF_TIME = 0.05  # of the driver's time that folding may take: tables are published more rarely where it is slow
log = logging.getLogger(__name__)


class TableWriter:
    """Folds the commits of a store into its tables."""

    def __init__(self, store: Store, anew: bool = True) -> None:
        """Reads every commit, or, where it is not to fold `anew`, those that changed since the tables were published."""
        self.store = store
        self._anew = anew
        self._tables: dict[str, dict[str, pa.Table]] = {}
        self._signatures: dict[str, str] = {}
        self._published: tuple[dict[str, str], dict[str, str]] | None = None
        """Signatures and commits of what this folder wrote last."""
        self._next = 0.0

    def publish(self, force: bool = False) -> None:
        """Fold what is new and write the files if anything is, at most every `PUBLISH_EVERY_SECONDS`; with `force` always."""
        started = time.monotonic()
        if not force and started < self._next:
            return
        listed = self.store.snapshot()
        self._fold(listed)
        commits = listed.records.whole_commits()
        if force or self._published != (self._signatures, commits):
            self._write(commits)
            self._published = (dict(self._signatures), commits)
        ended = time.monotonic()
        self._next = ended + max(PUBLISH_EVERY_SECONDS, (ended - started) / SHARE_OF_TIME)

    def _write(self, commits: dict[str, str]) -> None:
        files = {}
        for name in COLUMNS:
            parts = [self._tables[key][name] for key in sorted(self._tables)]
            data = _parquet_bytes(pa.concat_tables([schema(name).empty_table(), *parts]))
            self.store.storage.write(f"tables/{name}.parquet", data)
            files[name] = file_record(data)
        folded = FoldedTables(
            version=SCHEMA_VERSION,
            aesweep=aesweep_version(),
            files=files,
            commits=commits,
            signatures=self._signatures,
            signature=content_hash(self._signatures),
        )
        self.store.records.write(FOLDED, folded)

    def _fold(self, store: Store) -> None:
        """Read again the trials whose commits, failures or state changed."""
        asked = SpecIndex(store)
        if not self._anew:
            self._anew = True
            self._tables, self._signatures = published_rows(store)

        def fold(key: str) -> None:
            signature = asked.signature(key)
            while self._signatures.get(key) != signature:
                self._read(store, key, asked.describe(key))
                self._signatures[key] = signature
                signature = asked.signature(key)  # another one where a damaged commit was set aside while reading

        store.storage.map(fold, store.trials.known_keys())

    def _read(self, store: Store, key: str, about: dict[str, str]) -> None:
        try:
            self._tables[key] = trial_tables(store, key, **about)
        except InputError as error:  # no trial of any spec (KEY), or one of a newer aesweep
            why = "its configuration is lost" if error.field == "KEY" else error.remedy
            log.warning("%s is left out of the tables: %s", store.storage.place(f"trials/{key}"), why)
            self._tables.pop(key, None)


class SpecIndex:
    """Which spec asks for a trial, and so what its state is."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.drivers = drivers(store)
        self.running = running_trials(driver for driver in self.drivers if driver.alive)
        self.evaluation = store.trials.latest_evaluation()
        self.name = "none"
        self.asked: dict[str, tuple[str, str]] = {}
        self.latest: set[str] = set()
        for spec in store.trials.specs():  # the latest comes last and wins
            self.name, self.latest = spec.name, set(spec.keys)
            for key, block in spec.keys.items():
                self.asked[key] = (spec.name, block)

    def evaluation_of(self, key: str) -> str:
        """The evaluation that decides whether a trial is done."""
        scored = self.store.commits.scored(key)
        # A trial that the latest spec does not ask for is done with any evaluation, the last one by name here; so are all
        # where the store does not say which spec is the latest.
        return self.evaluation if not scored or (self.evaluation and key in self.latest) else scored[-1]

    def describe(self, key: str) -> dict[str, str]:
        """Sweep, block, state and evaluation of a trial, as `trial_tables` takes them."""
        sweep, block = self.asked.get(key, ("none", "none"))
        evaluation = self.evaluation_of(key)
        state = trial_state(self.store, key, evaluation, self.running).state
        return {"sweep": sweep, "block": block, "state": state, "evaluation": evaluation}

    def signature(self, key: str) -> str:
        """A hash of the names of everything that a trial's rows are made from.

        A commit never changes. One that was set aside and made again has the name of the first: what was set aside has a
        name of its own, and so has the attempt that made it again.
        """
        about = self.describe(key)  # sets damaged commits aside
        names = {folder: self.store.storage.names(f"trials/{key}{folder}") for folder in FOLDERS}
        return content_hash({**about, **names})


def tables_are_current(store: Store) -> bool:
    """Whether the published tables were made from exactly what the store holds now."""
    store = store.snapshot()
    folded = _published(store)
    if folded is None:
        return False
    asked = SpecIndex(store)
    keys = store.trials.known_keys()
    signatures = store.storage.map(asked.signature, keys)
    return folded.signature == content_hash(dict(zip(keys, signatures, strict=True)))


def tables_are_whole(store: Store) -> bool:
    """Whether the published tables belong together, be it that the store holds more by now."""
    return _published(store) is not None


def _published(store: Store) -> FoldedTables | None:
    """What `FOLDED` says of the published tables; None where one of them is missing, damaged or of another version."""
    folded = store.records.read(FOLDED, FoldedTables)
    if folded is None or folded.version != SCHEMA_VERSION:
        return None
    return folded if all(published_table(store, name, folded) is not None for name in COLUMNS) else None


def remember_commits(store: Store) -> None:
    """Note which commits are known to be whole where `FOLDED` says otherwise.

    All files of a copied store have other times, and every plan of it would read them again. `store` is the snapshot that
    the commits were read through.
    """
    folded, commits = store.records.read(FOLDED, FoldedTables), store.records.whole_commits()
    if folded is not None and folded.commits != commits:
        with suppress(InputError, OSError):  # a store that may only be read
            store.records.write(FOLDED, folded.model_copy(update={"commits": commits}))


def table_rows(store: Store) -> dict[str, int]:
    """Rows of each published table; 0 where there is none yet, or none that can be read."""
    return {name: _rows(store, f"tables/{name}.parquet") for name in COLUMNS}


def _rows(store: Store, name: str) -> int:
    file = store.storage.open(name)
    if file is None:
        return 0
    try:
        with file:
            return int(pq.read_metadata(file).num_rows)
    except (OSError, pa.ArrowException):
        log.warning("%s is damaged; `aesweep tables STORE` makes it again", store.storage.place(name))
        return 0


def _parquet_bytes(table: pa.Table) -> Any:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()
