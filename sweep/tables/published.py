"""The rows of the published tables, trial by trial: what a driver begins with instead of reading every commit again.

A commit is ten times as slow to read as its rows in Parquet, and a store has two of them per trial. Rows are taken where
nothing that they were made from has changed: the trial's signature (tables.py) and the version of each of its commits are
those of the fold, and the same aesweep made them.
"""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from aesweep.sweep.store.layout import FOLDED, scores_name, training_name
from aesweep.sweep.store.storage import file_record
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.schemas import COLUMNS, SCHEMA_VERSION, schema
from aesweep.sweep.version import aesweep_version

Rows = dict[str, pa.Table]
"""One table per name of `COLUMNS`, for one trial."""


def made_by() -> dict[str, Any]:
    """What the tables' form depends on beside the commits."""
    return {"version": SCHEMA_VERSION, "aesweep": aesweep_version()}


def published_rows(store: Store) -> tuple[dict[str, Rows], dict[str, str]]:
    """Rows and signatures of the trials whose commits are those of the last fold; none where the tables are not whole.

    `store` is a listed one.
    """
    folded = store.read_json(FOLDED) or {}
    files, signatures = folded.get("files"), folded.get("signatures")
    made = all(folded.get(name) == value for name, value in made_by().items())
    if not (made and isinstance(signatures, dict)):
        return {}, {}
    parts: dict[str, Rows] = {}
    for name in COLUMNS:
        data = published_table(store, name, files)
        if data is None:
            return {}, {}
        parts[name] = _by_key(pq.read_table(pa.BufferReader(data)).cast(schema(name)))
    kept = [key for key in store.trial_keys() if key in parts["trials"] and _has_the_same_commits(store, key)]
    empty = {name: schema(name).empty_table() for name in COLUMNS}
    rows = {key: {name: parts[name].get(key, empty[name]) for name in COLUMNS} for key in kept}
    return rows, {key: str(signatures.get(key)) for key in kept}


def published_table(store: Store, name: str, files: Any) -> bytes | None:
    """A table's file where it is, byte for byte, what was folded; `files` is what `FOLDED` says of them."""
    data = store.storage.read(f"tables/{name}.parquet")
    whole = data is not None and isinstance(files, dict) and files.get(name) == file_record(data)
    return data if whole else None


def _has_the_same_commits(store: Store, key: str) -> bool:
    failures = [f"trials/{key}/failures/{n}" for n in store.storage.names(f"trials/{key}/failures")]
    scores = [scores_name(key, evaluation) for evaluation in store.scored(key)]
    return all(map(store.is_as_folded, (training_name(key), *scores, *(n for n in failures if n.endswith(".json")))))


def _by_key(table: pa.Table) -> Rows:
    """Slices of a table whose rows stand together for each key."""
    runs = pc.run_end_encode(table["key"].combine_chunks())
    ends = runs.run_ends.to_pylist()
    parts = zip(runs.values.to_pylist(), [0, *ends], ends, strict=False)
    return {key: table.slice(begin, end - begin) for key, begin, end in parts}
