"""Reading the rows of many trials, in several processes where there are many.

Problem: nearly all of the time of a fold goes into reading JSON, which one process does on one CPU.
Decision: `aesweep tables` and `report` read a large store in as many processes as they may use CPUs. Each of them does
with a trial exactly what one process alone would do, from what the store held when it was listed, and hands its rows
over; the tables are written by the one that asked.
Consequence: the tables hold the same rows in any case. A driver reads alone: its CPUs are for the trials.
"""

import logging
import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from typing import NamedTuple

import pyarrow as pa

from aesweep.cluster.errors import ClusterError
from aesweep.models.errors import InputError
from aesweep.sweep.store.layout import scores_name, training_name
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.rows import TrialRows, joined_tables, read_results, trial_rows
from aesweep.sweep.tables.spec_index import SpecIndex

ENOUGH = 1_000
"""Trials for which it pays to start processes: each takes a second to begin."""
MOST_PROCESSES = 8
"""What one process can write the tables of."""
AHEAD = 2  # batches per process that are read before their rows are written: rows that wait take memory
log = logging.getLogger(__name__)
_mine: list[tuple[Store, SpecIndex]] = []
"""What a process that reads batches was given."""


class Batch(NamedTuple):
    """What the store says of some trials."""

    signatures: dict[str, str]
    tables: dict[str, pa.Table]
    """One per name of `COLUMNS`, in the order of the trials."""
    whole: dict[str, str]
    """Version of each commit that was read and found whole."""
    folders: dict[str, str]
    """As in `FoldedTables`."""


def read_batches(store: Store, index: SpecIndex, batches: Sequence[Sequence[str]], processes: int) -> Generator[Batch]:
    """What the store, a snapshot, says of each batch of keys, in their order; with up to `processes` processes."""
    if processes < 2 or store.storage.folder is None or sum(map(len, batches)) < ENOUGH:
        yield from (read_batch(store, index, batch) for batch in batches)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(min(processes, MOST_PROCESSES), context, _begin, (store, index))
    with pool:
        try:
            for batch in _in_order(pool, batches, AHEAD * min(processes, MOST_PROCESSES)):
                store.records.note(batch.whole, batch.folders)
                yield batch
        except BrokenProcessPool as error:
            remedy = (
                "A process that read the store was killed, perhaps because memory ran out. Run the same command again."
            )
            raise ClusterError("memory", store.root, remedy) from error
        finally:
            pool.shutdown(cancel_futures=True)


def read_batch(store: Store, index: SpecIndex, keys: Sequence[str]) -> Batch:
    """What the store says of these trials; damaged commits are set aside."""
    found = dict(zip(keys, store.storage.map(partial(_read, store, index), keys), strict=True))
    tables = joined_tables([rows for _, rows in found.values() if rows is not None])
    commits = [training_name(key) for key in keys]
    commits += [scores_name(key, evaluation) for key in keys for evaluation in store.commits.scored(key)]
    return Batch({key: signature for key, (signature, _) in found.items()}, tables, *store.records.noted(commits))


def _read(store: Store, index: SpecIndex, key: str) -> tuple[str, TrialRows | None]:
    """The signature and the rows of a trial; no rows where it is no trial of any spec, or one of a newer aesweep."""
    try:
        results = read_results(store, key)  # sets damaged commits aside: what follows describes the trial without them
    except InputError as error:
        why = "its configuration is lost" if error.field == "KEY" else error.remedy
        log.warning("%s is left out of the tables: %s", store.storage.place(f"trials/{key}"), why)
        return index.signature(key), None
    return index.signature(key), trial_rows(results, **index.describe(key))


def _in_order(pool: ProcessPoolExecutor, batches: Iterable[Sequence[str]], ahead: int) -> Iterator[Batch]:
    waiting: deque[Future[Batch]] = deque()
    for batch in batches:
        with _without_interrupts():
            waiting.append(pool.submit(_read_mine, batch))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


@contextmanager
def _without_interrupts() -> Iterator[None]:
    """Processes that are started inside the `with` block do not hear Ctrl-C in a terminal, which is for the one that asked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(store: Store, index: SpecIndex) -> None:
    """Make a new process ready to read. It ends with the one that started it."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _mine.append((store, index))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _read_mine(keys: Sequence[str]) -> Batch:
    return read_batch(*_mine[0], keys)
