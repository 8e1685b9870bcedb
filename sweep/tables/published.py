"""The rows of the published tables, trial by trial: what a driver begins with instead of reading every commit again.

A commit is ten times as slow to read as its rows in Parquet, and a store has two of them per trial. Rows are taken where
nothing that they were made from has changed: the trial's signature (fold.py) and the version of each of its commits are
those of the fold, and the same aesweep made them.
"""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aesweep.sweep.store.layout import FOLDED, scores_name, training_name
from aesweep.sweep.store.records import FoldedTables, file_record
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.schemas import COLUMNS, SCHEMA_VERSION, schema
from aesweep.sweep.version import aesweep_version

Rows = dict[str, pa.Table]
"""One table per name of `COLUMNS`, for one trial."""


def published_rows(store: Store) -> tuple[dict[str, Rows], dict[str, str]]:
    """Rows and signatures of the trials whose commits are those of the last fold; none where the tables are not whole.

    `store` is a snapshot.
    """
    folded = store.records.read(FOLDED, FoldedTables)
    if folded is None or (folded.version, folded.aesweep) != (SCHEMA_VERSION, aesweep_version()):
        return {}, {}
    parts: dict[str, Rows] = {}
    for name in COLUMNS:
        data = published_table(store, name, folded)
        if data is None:
            return {}, {}
        parts[name] = _by_key(pq.read_table(pa.BufferReader(data)).cast(schema(name)))
    kept = [key for key in store.trials.known_keys() if key in parts["trials"] and _has_the_same_commits(store, key)]
    empty = {name: schema(name).empty_table() for name in COLUMNS}
    rows = {key: {name: parts[name].get(key, empty[name]) for name in COLUMNS} for key in kept}
    return rows, {key: folded.signatures.get(key, "") for key in kept}


def published_table(store: Store, name: str, folded: FoldedTables) -> bytes | None:
    """A table's file where it is, byte for byte, what was folded."""
    data = store.storage.read(f"tables/{name}.parquet")
    return data if data is not None and folded.files.get(name) == file_record(data) else None


def _has_the_same_commits(store: Store, key: str) -> bool:
    failures = [f"trials/{key}/failures/{n}" for n in store.storage.names(f"trials/{key}/failures")]
    scores = [scores_name(key, evaluation) for evaluation in store.commits.scored(key)]
    return all(
        map(store.records.is_as_folded, (training_name(key), *scores, *(n for n in failures if n.endswith(".json"))))
    )


def _by_key(table: pa.Table) -> Rows:
    """Slices of a table whose rows stand together for each key."""
    runs = pc.run_end_encode(table["key"].combine_chunks())
    ends = runs.run_ends.to_pylist()
    parts = zip(runs.values.to_pylist(), [0, *ends], ends, strict=False)
    return {key: table.slice(begin, end - begin) for key, begin, end in parts}
