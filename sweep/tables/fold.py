"""The Parquet tables: a view of the commits that can always be made again.

A fold writes each table into a new file, trial after trial in the order of the keys: the rows of a trial that
changed are made from its commits, all others come from the table that was folded before. So no more than a few hundred
trials are in memory (row_groups.py), and what has not changed is not read from the store. Publishing replaces each file of
the store whole. `tables/folded.json`, written last, names the commits that the files were made from: when it does not
match the store (a driver was killed while folding), the next launch folds again.

Several processes may publish at once. Each reads `tables/publisher.json` before it lists the store, and puts its own word
there only while that one stands; whoever finds another one lists again. Then it replaces the files, each only while
its word stands. So what is published never covers less than what it takes the place of (docs/store.md).

A commit is ten times as slow to read as its rows in Parquet, and a store has two of them per trial. So a driver begins with
the published tables where nothing that they were made from has changed: the trial's signature and the version of each of
its commits are those of the fold, and the same aesweep made them.
"""

import io
import logging
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from aesweep.cluster.errors import ClusterError
from aesweep.cluster.temporary import FULL
from aesweep.models.errors import InputError, one_line
from aesweep.models.identity import content_hash
from aesweep.sweep.store.beneath import MOST_OTHER_BYTES
from aesweep.sweep.store.layout import FOLDED, PUBLISHER, scores_name, table_name, training_name
from aesweep.sweep.store.records.commits import VACANCY_BYTES, FileRecord
from aesweep.sweep.store.records.record import parse_record
from aesweep.sweep.store.records.whole_store import FoldedTables, Publication
from aesweep.sweep.store.storage import file_digest, sha256_of, size_of
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.batches import read_batches
from aesweep.sweep.tables.evaluations import evaluations_table
from aesweep.sweep.tables.learning import poor_in_table
from aesweep.sweep.tables.reading import TableInParts, UnsoundTableError
from aesweep.sweep.tables.row_groups import TableFile, TableReader, groups_of
from aesweep.sweep.tables.schemas import COLUMNS, KEYED, SCHEMA_VERSION
from aesweep.sweep.tables.spec_index import SpecIndex
from aesweep.sweep.version import aesweep_version

log = logging.getLogger(__name__)
PUBLISH_EVERY_SECONDS = 30.0
SHARE_OF_TIME = 0.05  # of the driver's time that folding may take: tables are published more rarely where it is slow
CLAIMS = 2  # whoever loses twice finds tables that were listed after it began
REPLACES = 5  # of one file, which an older publication may be replacing still
BATCH = 64  # trials that are read before their rows are written: an object store is asked for several at once


@dataclass
class Fold:
    """Tables in temporary files, and the signatures of the trials that they were made from."""

    files: dict[str, BinaryIO] = field(default_factory=dict)
    signatures: dict[str, str] = field(default_factory=dict)

    def close(self) -> None:
        """Remove the files."""
        for file in self.files.values():
            file.close()


class TableWriter:
    """Folds the commits of a store into its tables."""

    def __init__(self, store: Store, anew: bool = True, processes: int = 1) -> None:
        """With `anew`, read every commit; otherwise only commits that changed since the tables were published.

        Many trials are read in up to so many `processes`.
        """
        self.store, self._processes = store, processes
        self._fold = Fold()
        self._begins_with_published = not anew
        self._published: dict[str, str] | None = None
        """Commits of what this writer published last."""
        self._next = 0.0

    def publish(self, force: bool = False) -> None:
        """Fold what is new and write the files if anything is, at most every `PUBLISH_EVERY_SECONDS`; with `force` always."""
        started = time.monotonic()
        if not force and started < self._next:
            return
        with _enough_room():
            for _ in range(CLAIMS):
                before = self.store.storage.read(PUBLISHER)
                listed = self.store.snapshot()
                index, keys = SpecIndex(listed), listed.trials.known_keys()
                kept = self._unchanged(listed, index, keys)
                is_same = kept == self._fold.signatures.keys() == set(keys)
                if not force and is_same and self._published == listed.records.whole_commits():
                    break
                word = uuid.uuid4().hex
                self._merge(listed, index, keys, kept, word)
                commits = listed.records.whole_commits()
                if self._write(before, word, commits, listed.records.folded()):
                    self._published = commits
                    break
        ended = time.monotonic()
        self._next = ended + max(PUBLISH_EVERY_SECONDS, (ended - started) / SHARE_OF_TIME)

    def _merge(self, store: Store, index: SpecIndex, keys: list[str], kept: set[str], word: str) -> None:
        """Fold. Where the tables of before cannot be read, though somebody vouched for them, without them."""
        old = self._fold
        try:
            self._fold = merged(store, index, old, keys, kept, word, self._processes)
        except (UnsoundTableError, pa.ArrowException) as error:
            log.warning("The earlier tables cannot be read and are rebuilt. %s", one_line(str(error)))
            self._fold = merged(store, index, Fold(), keys, set(), word, self._processes)
        old.close()

    def _write(self, before: bytes | None, word: str, commits: dict[str, str], last: FoldedTables | None) -> bool:
        """Publish the tables unless somebody began to since `publisher.json` was read; whether it did.

        `last` is what the tables said at that time: a table that it describes needs not be read to be replaced.
        """
        mine, storage = Publication(publication=word).to_bytes(), self.store.storage
        if not (storage.commit(PUBLISHER, mine) if before is None else storage.replace(PUBLISHER, before, mine)):
            return False
        for name, file in self._fold.files.items():
            there = last.files.get(name) if last else None
            self._replace(table_name(name), file, mine, there.sha256 if there else None)
        folded = FoldedTables(
            version=SCHEMA_VERSION,
            aesweep=aesweep_version(),
            files={name: _record_of(file) for name, file in self._fold.files.items()},
            commits=commits,
            signatures=self._fold.signatures,
            signature=content_hash(self._fold.signatures),
            folders={name: v for name, v in self.store.records.folders.items() if name in commits},
            publication=word,
            rows={name: pq.ParquetFile(file).metadata.num_rows for name, file in self._fold.files.items()},
            poor={one.key: (one.name, one.warning) for one in poor_in_table(self._fold.files["trials"])},
        )
        self._replace(FOLDED, io.BytesIO(folded.to_bytes()), mine)
        return True

    def _replace(self, name: str, file: BinaryIO, mine: bytes, expected: str | None = None) -> None:
        """Replace a file of the tables, unless somebody publishes newer ones. `expected` is the SHA-256 that it had before."""
        storage = self.store.storage
        for turn in range(REPLACES):
            found = expected if expected and not turn else sha256_of(storage.digest(name, MOST_OTHER_BYTES))
            if storage.read(PUBLISHER) != mine:  # looked at after the file, which so is no newer one
                return
            if storage.exchange(name, found, file):
                return

    def _unchanged(self, store: Store, index: SpecIndex, keys: list[str]) -> set[str]:
        """The trials whose rows are in the tables of the last fold as they would be made now."""
        if self._begins_with_published:
            self._begins_with_published = False
            self._fold = published_fold(store) or Fold()
        known = self._fold.signatures

        def is_same(key: str) -> bool:
            return key in known and _has_the_same_commits(store, key) and index.signature(key) == known[key]

        return {key for key, same in zip(keys, store.storage.map(is_same, keys), strict=True) if same}


def merged(
    store: Store, index: SpecIndex, before: Fold, keys: list[str], kept: set[str], word: str, processes: int
) -> Fold:
    """The tables of these trials: of those to be `kept` the rows of `before`, of the others what the store says.

    All files carry the word of the publication that they are made for.
    """
    signatures: dict[str, str] = {}
    files: dict[str, BinaryIO] = {name: _temporary_file() for name in COLUMNS}
    old = {name: TableReader(name, groups_of(name, before.files.get(name))) for name in KEYED}
    batches = [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]
    changed = [[key for key in batch if key not in kept] for batch in batches]
    with ExitStack() as stack:
        writers = {name: stack.enter_context(TableFile(name, files[name], word)) for name in KEYED}
        read = read_batches(store, index, changed, processes)
        for batch, found in zip(batches, stack.enter_context(closing(read)), strict=True):
            signatures |= {**{key: before.signatures[key] for key in batch if key in kept}, **found.signatures}
            for name, writer in writers.items():
                if kept.isdisjoint(batch):
                    writer.add(found.tables[name])
                    continue
                new = TableReader(name, [found.tables[name]])
                for key in batch:
                    writer.add((old[name] if key in kept else new).rows(key))
    with TableFile("evaluations", files["evaluations"], word) as writer:
        writer.add(evaluations_table(store, files["trials"], files["scores"], before.files.get("evaluations")))
    return Fold(files, dict(sorted(signatures.items())))


def published_fold(store: Store) -> Fold | None:
    """The published tables with the signatures of their trials; None where they are not whole.

    `store` is a snapshot.
    """
    folded = store.records.folded()
    if folded is None or (folded.version, folded.aesweep) != (SCHEMA_VERSION, aesweep_version()):
        return None
    fold = Fold()
    for name in COLUMNS:
        fold.files[name] = _temporary_file()
        found = store.storage.open(table_name(name))
        if found is not None:
            with found:
                shutil.copyfileobj(found, fold.files[name])
        if folded.files.get(name) != _record_of(fold.files[name]):
            fold.close()
            return None
    try:
        for key in TableInParts("trials", fold.files["trials"]).read(["key"])["key"].to_pylist():
            fold.signatures[key] = folded.signatures.get(key, "")
    except UnsoundTableError:
        fold.close()
        return None
    return fold


def _record_of(file: BinaryIO) -> FileRecord:
    return FileRecord(sha256=file_digest(file), bytes=file.seek(0, io.SEEK_END))


def _has_the_same_commits(store: Store, key: str) -> bool:
    version = store.storage.version(training_name(key))
    if version is not None and size_of(version) >= VACANCY_BYTES and not store.records.is_as_folded(training_name(key)):
        return False  # what is shorter is read whenever the trial's state is asked for
    failures = [f"trials/{key}/failures/{n}" for n in store.storage.names(f"trials/{key}/failures")]
    names = [scores_name(key, evaluation) for evaluation in store.commits.scored(key)]
    return all(map(store.records.is_as_folded, (*names, *(n for n in failures if n.endswith(".json")))))


def _temporary_file() -> BinaryIO:
    file: BinaryIO = tempfile.TemporaryFile()  # noqa: SIM115 (a fold closes it, when the next one has taken its rows)
    return file


@contextmanager
def _enough_room() -> Iterator[None]:
    """A full disk of temporary files inside the `with` block is told in two lines."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        remedy = f"It has no room for the tables ({error.strerror}). Make room there, or set TMPDIR to another folder."
        raise ClusterError("temporary folder", tempfile.gettempdir(), remedy) from error


def tables_are_current(store: Store) -> bool:
    """Whether the published tables were made from exactly what the store holds now."""
    store = store.snapshot()
    found = _described(store)
    if found is None:
        return False
    keys = store.trials.known_keys()
    signatures = store.storage.map(SpecIndex(store).signature, keys)
    return found.signature == content_hash(dict(zip(keys, signatures, strict=True))) and _are_there(store, found)


def tables_are_whole(store: Store) -> bool:
    """Whether the published tables belong together, be it that the store holds more by now."""
    found = _described(store)
    return found is not None and _are_there(store, found)


def _described(store: Store) -> FoldedTables | None:
    """What `FOLDED` says; None where its tables have other columns."""
    folded = store.records.folded()
    is_known = folded is not None and folded.version == SCHEMA_VERSION and folded.files.keys() == COLUMNS.keys()
    return folded if is_known else None


def _are_there(store: Store, folded: FoldedTables) -> bool:
    """Whether each table is, byte for byte, the one that was folded; reads all of them."""
    return all(_is_there(store, name, file) for name, file in folded.files.items())


def _is_there(store: Store, table: str, file: FileRecord) -> bool:
    name = table_name(table)
    whole = file.sha256, file.bytes
    return store.records.has_full_length(name, file) and store.storage.digest(name, file.bytes) == whole


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
