"""The five Parquet tables: a view of the commits that can always be made again.

Each trial's rows are kept as small Arrow tables in memory, so that adding one trial to many costs what it adds;
publishing joins them and replaces each file whole. `tables/folded.json`, written last, names the commits that the
files were made from: when it does not match the store (a driver was killed while folding), the next launch folds again.

Several processes may publish at once. Each reads `tables/publisher.json` before it lists the store, and puts its own word
there only while that one stands; whoever finds another one lists again. Then it replaces the files, each only while
its word stands. So what is published never covers less than what it takes the place of (docs/store.md).

A commit is ten times as slow to read as its rows in Parquet, and a store has two of them per trial. So a driver begins with
the published rows where nothing that they were made from has changed: the trial's signature and the version of each of its
commits are those of the fold, and the same aesweep made them.
"""

import logging
import time
import uuid
from contextlib import suppress

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aesweep.models.errors import InputError
from aesweep.models.identity import content_hash
from aesweep.sweep.store.drivers import drivers, running_trials
from aesweep.sweep.store.layout import FOLDED, PUBLISHER, scores_name, training_name
from aesweep.sweep.store.records import FoldedTables, Publication, file_record, parse_record
from aesweep.sweep.store.storage import Storage
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.rows import trial_tables
from aesweep.sweep.tables.schemas import COLUMNS, SCHEMA_VERSION, schema
from aesweep.sweep.version import aesweep_version

PUBLISH_EVERY_SECONDS = 30.0
FOLDERS = ("", "/attempts", "/scores", "/failures")  # of a trial, whose files its rows are made from
SHARE_OF_TIME = 0.05  # of the driver's time that folding may take: tables are published more rarely where it is slow
CLAIMS = 2  # whoever loses twice finds tables that were listed after it began
REPLACES = 5  # of one file, which an older publication may be replacing still
log = logging.getLogger(__name__)

Rows = dict[str, pa.Table]
"""One table per name of `COLUMNS`, for one trial."""


class TableWriter:
    """Folds the commits of a store into its tables."""

    def __init__(self, store: Store, anew: bool = True) -> None:
        """Reads every commit, or, where it is not to fold `anew`, those that changed since the tables were published."""
        self.store = store
        self._anew = anew
        self._tables: dict[str, Rows] = {}
        self._signatures: dict[str, str] = {}
        self._published: tuple[dict[str, str], dict[str, str]] | None = None
        """Signatures and commits of what this folder wrote last."""
        self._next = 0.0

    def publish(self, force: bool = False) -> None:
        """Fold what is new and write the files if anything is, at most every `PUBLISH_EVERY_SECONDS`; with `force` always."""
        started = time.monotonic()
        if not force and started < self._next:
            return
        for _ in range(CLAIMS):
            before = self.store.storage.read(PUBLISHER)
            listed = self.store.snapshot()
            self._fold(listed)
            commits = listed.records.whole_commits()
            if not force and self._published == (self._signatures, commits):
                break
            if self._write(before, commits):
                self._published = (dict(self._signatures), commits)
                break
        ended = time.monotonic()
        self._next = ended + max(PUBLISH_EVERY_SECONDS, (ended - started) / SHARE_OF_TIME)

    def _write(self, before: bytes | None, commits: dict[str, str]) -> bool:
        """Publish the tables unless somebody began to since `publisher.json` was read; whether it did."""
        word = uuid.uuid4().hex
        mine = Publication(publication=word).to_bytes()
        if not _exchange(self.store.storage, PUBLISHER, before, mine):
            return False
        files = {}
        for name in COLUMNS:
            data = self._table_bytes(name, word)
            self._replace(f"tables/{name}.parquet", data, mine)
            files[name] = file_record(data)
        folded = FoldedTables(
            version=SCHEMA_VERSION,
            aesweep=aesweep_version(),
            files=files,
            commits=commits,
            signatures=self._signatures,
            signature=content_hash(self._signatures),
            folders={name: v for name, v in self.store.records.folders.items() if name in commits},
            publication=word,
        )
        self._replace(FOLDED, folded.to_bytes(), mine)
        return True

    def _table_bytes(self, name: str, publication: str) -> bytes:
        parts = [self._tables[key][name] for key in sorted(self._tables)]
        table = pa.concat_tables([schema(name).empty_table(), *parts])
        sink = pa.BufferOutputStream()
        pq.write_table(table.cast(schema(name, publication)), sink, compression="zstd")
        data: bytes = sink.getvalue().to_pybytes()
        return data

    def _replace(self, name: str, data: bytes, mine: bytes) -> None:
        """Replace a file of the tables, unless somebody publishes newer ones."""
        storage = self.store.storage
        for _ in range(REPLACES):
            found = storage.read(name)
            if storage.read(PUBLISHER) != mine:  # looked at after the file, which so is no newer one
                return
            if _exchange(storage, name, found, data):
                return

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
        state = self.store.state(key, evaluation, self.running).state
        return {"sweep": sweep, "block": block, "state": state, "evaluation": evaluation}

    def signature(self, key: str) -> str:
        """A hash of the names of everything that a trial's rows are made from.

        A commit never changes. One that was set aside and made again has the name of the first: what was set aside has a
        name of its own, and so has the attempt that made it again.
        """
        about = self.describe(key)  # sets damaged commits aside
        names = {folder: self.store.storage.names(f"trials/{key}{folder}") for folder in FOLDERS}
        return content_hash({**about, **names})


def _exchange(storage: Storage, name: str, found: bytes | None, data: bytes) -> bool:
    """Put `data` in the place of what was found; False where that is not there any more."""
    return storage.commit(name, data) if found is None else storage.replace(name, found, data)


def published_rows(store: Store) -> tuple[dict[str, Rows], dict[str, str]]:
    """Rows and signatures of the trials whose commits are those of the last fold; none where the tables are not whole.

    `store` is a snapshot.
    """
    found = _published(store)
    if found is None or found[0].aesweep != aesweep_version():
        return {}, {}
    folded, files = found
    parts = {name: _by_key(pq.read_table(pa.BufferReader(data)).cast(schema(name))) for name, data in files.items()}
    kept = [key for key in store.trials.known_keys() if key in parts["trials"] and _has_the_same_commits(store, key)]
    empty = {name: schema(name).empty_table() for name in COLUMNS}
    rows = {key: {name: parts[name].get(key, empty[name]) for name in COLUMNS} for key in kept}
    return rows, {key: folded.signatures.get(key, "") for key in kept}


def _has_the_same_commits(store: Store, key: str) -> bool:
    failures = [f"trials/{key}/failures/{n}" for n in store.storage.names(f"trials/{key}/failures")]
    names = [training_name(key), *(scores_name(key, evaluation) for evaluation in store.commits.scored(key))]
    return all(map(store.records.is_as_folded, (*names, *(n for n in failures if n.endswith(".json")))))


def _by_key(table: pa.Table) -> Rows:
    """Slices of a table whose rows stand together for each key."""
    runs = pc.run_end_encode(table["key"].combine_chunks())
    ends = runs.run_ends.to_pylist()
    parts = zip(runs.values.to_pylist(), [0, *ends], ends, strict=False)
    return {key: table.slice(begin, end - begin) for key, begin, end in parts}


def tables_are_current(store: Store) -> bool:
    """Whether the published tables were made from exactly what the store holds now."""
    store = store.snapshot()
    found = _published(store)
    if found is None:
        return False
    keys = store.trials.known_keys()
    signatures = store.storage.map(SpecIndex(store).signature, keys)
    return found[0].signature == content_hash(dict(zip(keys, signatures, strict=True)))


def tables_are_whole(store: Store) -> bool:
    """Whether the published tables belong together, be it that the store holds more by now."""
    return _published(store) is not None


def _published(store: Store) -> tuple[FoldedTables, dict[str, bytes]] | None:
    """What `FOLDED` says, and the files of the tables; None where one is not, byte for byte, what was folded."""
    folded = store.records.read(FOLDED, FoldedTables)
    if folded is None or folded.version != SCHEMA_VERSION:
        return None
    files = {name: store.storage.read(f"tables/{name}.parquet") or b"" for name in COLUMNS}
    return (folded, files) if folded.files == {name: file_record(data) for name, data in files.items()} else None


def remember_commits(store: Store) -> None:
    """Note which commits are known to be whole where `FOLDED` says otherwise.

    All files of a copied store have other times, and every plan of it would read them again. `store` is the snapshot that
    the commits were read through.
    """
    before, commits = store.storage.read(FOLDED), store.records.whole_commits()
    folders = {name: version for name, version in store.records.folders.items() if name in commits}
    folded = parse_record(FoldedTables, before) if before is not None else None
    if (
        before is not None
        and folded is not None
        and folded.commits.keys() <= commits.keys()
        and (folded.commits, folded.folders) != (commits, folders)
    ):
        with suppress(InputError, OSError):  # a store that may only be read
            noted = folded.model_copy(update={"commits": commits, "folders": folders})
            store.storage.replace(FOLDED, before, noted.to_bytes())


def table_rows(store: Store) -> dict[str, int]:
    """Rows of each published table; 0 where there is none yet, or none that can be read."""
    rows = dict.fromkeys(COLUMNS, 0)
    for table in COLUMNS:
        name = f"tables/{table}.parquet"
        file = store.storage.open(name)
        if file is None:
            continue
        try:
            with file:
                rows[table] = pq.read_metadata(file).num_rows
        except (OSError, pa.ArrowException):
            log.warning("%s is damaged; `aesweep tables STORE` makes it again", store.storage.place(name))
    return rows
