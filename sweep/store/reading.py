"""Reading and writing the records of a store, and when a commit counts.

A commit is read before it counts, and read once: whoever folded it into the tables left its version (size and time) in
`FOLDED`, and as long as the file is of that version a plan takes it for whole. One that was cut short or changed has
another version, is read, set aside with a warning, and its work is done again.

Commits that are newer than the last fold, all of them in a store that was never folded, are read by the next fold in any
case. A plan of many trials does not read them in full before that: on a path their seal tells whether they are as they
were written, and an object of an object store is whole or not there at all. The same goes for commits that have another
time and the same length: those of a copied store.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from aesweep.models.errors import one_line
from aesweep.sweep.store.layout import FOLDED
from aesweep.sweep.store.records.commits import VACANCY_BYTES, FileRecord, Vacancy, vacancy
from aesweep.sweep.store.records.record import AnyRecord, Record, SealedRecord, parse_record
from aesweep.sweep.store.records.seal import has_sound_seal
from aesweep.sweep.store.records.whole_store import FoldedTables
from aesweep.sweep.store.snapshot import Snapshot
from aesweep.sweep.store.storage import Storage, StorageError, size_of

READS = 10  # of a commit that others replace each time it is read
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Records:
    """The records in one storage."""

    storage: Storage
    snapshot: Snapshot | None = None
    """The storage itself, where its trials were listed."""
    only_looks: bool = False
    """Whether damaged files keep their names: nothing is changed."""
    _whole: dict[str, str] = field(default_factory=dict)
    """Versions of commits that were read and found whole; shared with every snapshot."""
    folders: dict[str, str] = field(default_factory=dict)
    """As in `FoldedTables`; shared with every snapshot."""
    _folded: list[tuple[bytes, FoldedTables | None]] = field(default_factory=list)
    """What `FOLDED` held last, and what that says; shared with every snapshot."""

    def with_snapshot(self) -> "Records":
        """The same records, with the trials listed now; itself where they are listed already."""
        if self.snapshot is not None:
            return self
        snapshot = Snapshot(self.storage)
        folded = self.folded()
        for name, version in (folded.commits if folded else {}).items():
            self._whole.setdefault(name, version)
        for name, version in (folded.folders if folded else {}).items():
            self.folders.setdefault(name, version)
        return replace(self, storage=snapshot, snapshot=snapshot)

    def read(self, name: str, kind: type[AnyRecord]) -> AnyRecord | None:
        """A record, None where it is missing or damaged."""
        data = self.storage.read(name)
        return None if data is None else self._parsed(name, kind, data)

    def _parsed(self, name: str, kind: type[AnyRecord], data: bytes) -> AnyRecord | None:
        record = parse_record(kind, data)
        if record is None:
            log.warning("%s is damaged; it counts as missing", one_line(self.storage.place(name)))
        return record

    def folded(self) -> FoldedTables | None:
        """What `FOLDED` says. Parsed once while it stays the same: that of a large store takes a tenth of a second."""
        data = self.storage.read(FOLDED)
        if data is None:
            return None
        if not self._folded or self._folded[0][0] != data:
            self._folded[:] = [(data, self._parsed(FOLDED, FoldedTables, data))]
        return self._folded[0][1]

    def write(self, name: str, record: Record) -> None:
        """Write a record, replacing what was there."""
        self.storage.write(name, record.to_bytes())

    def whole_commits(self) -> dict[str, str]:
        """Versions of all commits that were read, found whole, and are still there: for `FOLDED`."""
        return {name: version for name, version in self._whole.items() if self.storage.version(name) == version}

    def noted(self, names: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """What is known of these commits: the versions of those that are whole, and the folders of their files."""
        names = list(names)
        whole, folders = (
            {name: known[name] for name in names if name in known} for known in (self._whole, self.folders)
        )
        return whole, folders

    def note(self, whole: Mapping[str, str], folders: Mapping[str, str]) -> None:
        """Remember what another process found, as `noted` gives it."""
        self._whole.update(whole)
        self.folders.update(folders)

    def is_as_folded(self, name: str) -> bool:
        """Whether a commit is missing, or of a version that was read and found whole."""
        return self._whole.get(name) == self.storage.version(name)

    def has_full_length(self, name: str, record: FileRecord | None) -> bool:
        """Whether a file is there in the length that `record` says; its bytes are not read."""
        version = self.storage.version(name)
        return version is not None and record is not None and size_of(version) == record.bytes

    def read_commit(
        self, name: str, kind: type[AnyRecord], flaw: Callable[[AnyRecord], str] = lambda _: ""
    ) -> AnyRecord | None:
        """A commit, or None; one that cannot be read is set aside, so that its work is done and committed again.

        So is one in which `flaw` finds a reason not to count. Whoever set it aside or committed anew meanwhile stays
        untouched: what is found then is read in its turn.
        """
        _, record, why = self._look_at_commit(name, kind, flaw)
        if not why:
            return record
        left = vacancy() if issubclass(kind, SealedRecord) else None
        with self.storage.pinned():  # a store that was away for a moment seems to lack its files
            for _ in range(READS):
                data, record, why = self._look_at_commit(name, kind, flaw)
                if not why:
                    return record
                if not self.set_aside(name, data, left, why):
                    return None
        return None

    def _look_at_commit(
        self, name: str, kind: type[AnyRecord], flaw: Callable[[AnyRecord], str]
    ) -> tuple[bytes, AnyRecord | None, str]:
        """The bytes of a commit, the record in them, and what is wrong with it; no record and nothing wrong: no commit."""
        version = self.snapshot.version(name) if self.snapshot else None
        data = self.storage.read(name)
        if data is None or (len(data) < VACANCY_BYTES and parse_record(Vacancy, data) is not None):
            return b"", None, ""
        record = parse_record(kind, data)
        why = "is damaged" if record is None else flaw(record)
        if not why and version is not None:
            self._whole[name] = version
        return data, record, why

    def has_commit(self, name: str, kind: type[Record]) -> bool:
        """Whether `read_commit` gives one, as far as can be said without reading what a fold reads anyway."""
        version = self.storage.version(name)
        if version is None:
            return False
        known = self._whole.get(name)
        if known == version:
            return True
        if size_of(version) < VACANCY_BYTES:
            return self.read_commit(name, kind) is not None
        alike = known is None or size_of(known) == size_of(version)
        if not (alike and self.snapshot and self._seems_whole(name)):
            return self.read_commit(name, kind) is not None
        if known is not None:  # a copy: remembered as what it is a copy of
            self._whole[name] = version
        return True

    def set_aside(self, name: str, found: bytes, left: bytes | None = None, why: str = "is damaged") -> bool:
        """Keep the content `found` of a file under another name; whether the file holds other bytes by now.

        `left` takes its place; `why` says what is wrong with it.
        """
        place = one_line(self.storage.place(name))
        if self.only_looks:
            log.warning("%s %s; it counts as missing", place, why)
            return False
        try:
            aside = self.storage.set_aside(name, found, left)
        except OSError as error:  # a store that may only be read: said each time, and not counted
            remedy = error.remedy if isinstance(error, StorageError) else error
            log.warning("%s %s, and cannot be set aside: %s", place, why, remedy)
            return False
        if aside is not None:
            log.warning("%s %s; kept as %s, its work will be done again", place, why, one_line(aside))
        return aside is None

    def _seems_whole(self, name: str) -> bool:
        """Whether a commit that no fold has read may count until one does."""
        return self.storage.keeps_files_whole or has_sound_seal(self.storage.read(name) or b"")
