"""The five Parquet tables: a view of the commits that can always be made again.

Each trial's rows are kept as small Arrow tables in memory, so that adding one trial to many costs what it adds;
publishing joins them and replaces each file whole. `tables/folded.json`, written last, names the commits that the
files were made from: when it does not match the store (a driver was killed while folding), the next launch folds again.
"""

import logging
import time
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from models.identity import content_hash
from sweep.failpoints import failpoint
from sweep.progress_file import running_trials
from sweep.rows import trial_tables
from sweep.schemas import COLUMNS, SCHEMA_VERSION, schema
from sweep.storage import to_json_bytes
from sweep.store import Store
from sweep.work import trial_state

PUBLISH_EVERY_SECONDS = 30.0
FOLDED = "tables/folded.json"
log = logging.getLogger(__name__)


class TableFolder:
    """Folds the commits of a store into its tables."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._tables: dict[str, dict[str, pa.Table]] = {}
        self._signatures: dict[str, str] = {}
        self._published = 0.0

    def publish(self, force: bool = False) -> None:
        """Fold what is new and write the files, at most every `PUBLISH_EVERY_SECONDS` unless `force`."""
        if not force and time.monotonic() - self._published < PUBLISH_EVERY_SECONDS:
            return
        self._fold()
        for name in COLUMNS:
            parts = [self._tables[key][name] for key in sorted(self._tables)]
            table = pa.concat_tables([schema(name).empty_table(), *parts])
            self.store.storage.write(f"tables/{name}.parquet", _parquet_bytes(table))
            failpoint("in-table-fold")
        self.store.storage.write(
            FOLDED, to_json_bytes({"signature": content_hash(self._signatures), "version": SCHEMA_VERSION})
        )
        self._published = time.monotonic()

    def _fold(self) -> None:
        """Read again the trials whose commits, failures or state changed."""
        asked = SpecIndex(self.store)
        for key in self.store.trial_keys():
            about = asked.describe(key)
            signature = trial_signature(self.store, key, about)
            if self._signatures.get(key) != signature:
                self._tables[key] = trial_tables(self.store, key, **about)
                self._signatures[key] = signature


class SpecIndex:
    """Which spec asks for a trial, and so what its state is."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.running = running_trials(store)
        self.evaluation = store.latest_evaluation()
        self.asked: dict[str, tuple[str, str]] = {}
        self.latest: set[str] = set()
        for spec in store.specs():  # the latest comes last and wins
            self.latest = set(spec["keys"])
            for key, block in spec["keys"].items():
                self.asked[key] = (spec["name"], block)

    def describe(self, key: str) -> dict[str, str]:
        """Sweep, block, state and evaluation of a trial, as `trial_tables` takes them."""
        sweep, block = self.asked.get(key, ("none", "none"))
        scored = self.store.scored(key)
        # A trial of an older spec only is done with whatever evaluation that spec asked for.
        evaluation = self.evaluation if key in self.latest or not scored else scored[-1]
        state, _ = trial_state(self.store, key, evaluation, self.running)
        return {"sweep": sweep, "block": block, "state": state, "evaluation": evaluation}


def trial_signature(store: Store, key: str, about: dict[str, str]) -> str:
    """A hash of everything that a trial's rows are made from; commits never change, so their names do."""
    return content_hash(
        {
            **about,
            "trained": store.training(key) is not None,
            "scored": store.scored(key),
            "attempts": store.attempts(key, "train"),
            "failures": store.storage.names(f"trials/{key}/failures"),
        }
    )


def tables_are_current(store: Store) -> bool:
    """Whether the published tables were made from exactly what the store holds now."""
    folded = store.read_json(FOLDED)
    if folded is None or folded.get("version") != SCHEMA_VERSION:
        return False
    if not all(store.storage.exists(f"tables/{name}.parquet") for name in COLUMNS):
        return False
    asked = SpecIndex(store)
    signatures = {key: trial_signature(store, key, asked.describe(key)) for key in store.trial_keys()}
    return folded["signature"] == content_hash(signatures)


def table_rows(store: Store) -> dict[str, int]:
    """Rows of each published table; 0 where there is none yet."""
    counts: dict[str, int] = {}
    for name in COLUMNS:
        path = store.storage.path(f"tables/{name}.parquet")
        counts[name] = pq.read_metadata(path).num_rows if path.exists() else 0
    return counts


def _parquet_bytes(table: pa.Table) -> Any:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    return sink.getvalue().to_pybytes()
