"""Tables are folded trial by trial: the same tables as made at once, whatever changed, and no more memory for more trials."""

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from aesweep.evaluation.rows import LatentRow, ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.sweep.store.layout import FOLDED, MODEL, TABLES, scores_name, table_name, training_name
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.commits import file_record
from aesweep.sweep.store.store import Store, open_store
from aesweep.sweep.tables import batches, fold, row_groups
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from tests.records import EPOCH, scored, trained

TRIALS = [TrialConfig(filters=2, latent_size=2, epochs=3, seed=seed) for seed in range(12)]
EVALUATION = "0123456789ab"
SCORE = ScoreRow(source="mvg", split="test", metric="fd", value=1.0, n=5, reference_split="test", sampling_seed=0)
POINT = LatentRow(split="train", index=0, dimension_a=0, dimension_b=1, z_a=0.25, z_b=-1.0)


class Changes:
    """What happens to a store, at random."""

    def __init__(self, root: Path, seed: int) -> None:
        self.store, self.root, self.random = open_store(root, create=True), root, random.Random(seed)
        self.actions: list[Callable[[str], object]] = [self.train, self.score, self.fail, self.damage, self.remove]

    def happen(self) -> None:
        """Something happens to some trial, which is made known first."""
        trial = self.random.choice(TRIALS)
        self.store.trials.write_config(trial)
        self.random.choice(self.actions)(trial.key)

    def train(self, key: str) -> None:
        attempt = self.store.attempts.new(key, "train")
        files = {MODEL: self.store.attempts.write_file(key, attempt, MODEL, b"weights")}
        history = tuple(replace(EPOCH, epoch=n, loss=self.random.random()) for n in range(1, self.random.randint(2, 4)))
        self.store.commits.commit_training(key, trained(attempt, files).model_copy(update={"history": history}))

    def score(self, key: str) -> None:
        attempt = self.store.attempts.new(key, "evaluate", EVALUATION)
        points = [replace(POINT, index=n, z_a=self.random.random()) for n in range(self.random.randint(1, 9))]
        rows = (replace(SCORE, value=self.random.random()),) * self.random.randint(1, 3)
        commit = scored(attempt, rows, file_record(b"weights").sha256, latents=points)
        self.store.commits.commit_scores(key, EVALUATION, commit)

    def fail(self, key: str) -> None:
        attempt = self.store.attempts.new(key, "train")
        self.store.attempts.record_failure(key, attempt, "train", ValueError(str(self.random.random())))

    def damage(self, key: str) -> None:
        path = self.root / self.random.choice([training_name(key), scores_name(key, EVALUATION)])
        if path.exists():
            path.write_bytes(path.read_bytes()[:-20])

    def remove(self, key: str) -> None:
        shutil.rmtree(self.root / "trials" / key)


def tables(root: Path) -> dict[str, pa.Table]:
    return {name: pq.read_table(root / table_name(name)) for name in TABLES}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_changes_the_tables_are_those_that_are_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(row_groups, "GROUP_ROWS", 3)
    root = tmp_path / "store"
    changes = Changes(root, seed)
    driver = TableWriter(open_store(root), anew=False)
    for turn in range(12):
        for _ in range(changes.random.randint(1, 6)):
            changes.happen()
        (driver if turn % 3 else TableWriter(open_store(root), anew=False)).publish(force=True)
        found = tables(root)
        assert tables_are_current(open_store(root))
        TableWriter(open_store(root)).publish(force=True)
        assert tables(root) == found
    groups = pq.ParquetFile(root / table_name("latents")).metadata
    spans = [groups.row_group(n).column(0).statistics for n in range(groups.num_row_groups)]
    assert all(a.max < b.min for a, b in pairwise(spans)), "a trial's rows are in one row group"


def test_several_processes_make_the_tables_that_one_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "ENOUGH", 1)
    monkeypatch.setattr(fold, "BATCH", 2)
    changes = Changes(tmp_path / "one", seed=3)
    for _ in range(60):
        changes.happen()
    shutil.copytree(changes.root, tmp_path / "several")
    for name, processes in (("one", 1), ("several", 2)):
        TableWriter(open_store(tmp_path / name), processes=processes).publish(force=True)
    one, several = (open_store(tmp_path / name) for name in ("one", "several"))
    assert tables(Path(one.root)) == tables(Path(several.root))
    assert tables_are_current(several)
    damaged = [[n for n in store.storage.listing("trials", 4) if "damaged" in n] for store in (one, several)]
    assert damaged[0] and sorted(damaged[0]) == sorted(damaged[1])
    noted = [set(store.snapshot().records.folders) for store in (one, several)]
    assert noted[0] and noted[0] == noted[1]


class Stopped(BaseException):
    """The process ends."""


class StoppingStorage(LocalStorage):
    """A path whose process ends when it is about to exchange one of the files."""

    last = ""

    def exchange(self, name: str, found: str | None, file: BinaryIO) -> bool:
        if name == self.last:
            raise Stopped
        return super().exchange(name, found, file)


@pytest.mark.parametrize("last", [*map(table_name, TABLES), FOLDED])
def test_a_publication_that_ends_halfway_leaves_whole_tables_that_do_not_count(tmp_path: Path, last: str) -> None:
    root = tmp_path / "store"
    changes = Changes(root, seed=5)
    for trial in TRIALS[:4]:
        changes.store.trials.write_config(trial)
        changes.train(trial.key)
    TableWriter(open_store(root)).publish(force=True)
    before = tables(root)
    for act, trial in zip((changes.score, changes.score, changes.fail, changes.train), TRIALS[2:], strict=False):
        changes.store.trials.write_config(trial)
        act(trial.key)
    storage = StoppingStorage(root)
    storage.last = last
    with pytest.raises(Stopped):
        TableWriter(Store(root, storage), anew=False).publish(force=True)
    found = tables(root)
    for name in TABLES:
        assert pq.read_table(root / table_name(name)).num_rows or name in (
            "terms",
            "failures",
            "scores",
            "evaluations",
            "latents",
        )
    assert last == FOLDED or found[last.removeprefix("tables/").removesuffix(".parquet")] in before.values()
    assert not tables_are_current(open_store(root))
    TableWriter(open_store(root), anew=False).publish(force=True)
    assert tables_are_current(open_store(root))
    assert len(pq.read_table(root / table_name("trials"))) == 6


MEASURE = """
import sys, tracemalloc, pyarrow
from aesweep.sweep.store.store import open_store
from aesweep.sweep.tables import fold, row_groups
row_groups.GROUP_ROWS, fold.BATCH = 4000, 8
for root in sys.argv[1:]:
    tracemalloc.start()
    fold.TableWriter(open_store(root)).publish(force=True)
    fold.TableWriter(open_store(root), anew=False).publish(force=True)
    print(tracemalloc.get_traced_memory()[1], pyarrow.default_memory_pool().max_memory())
    tracemalloc.stop()
"""


def test_ten_times_as_many_trials_take_no_more_memory(tmp_path: Path) -> None:
    commit = scored(latents=[replace(POINT, index=n, z_a=n / 7) for n in range(500)], rows=(SCORE,)).to_bytes()
    for name, count in (("few", 20), ("many", 200)):
        store = open_store(tmp_path / name, create=True)
        for seed in range(count):
            trial = replace(TRIALS[0], seed=seed)
            store.trials.write_config(trial)
            path = tmp_path / name / scores_name(trial.key, EVALUATION)
            path.parent.mkdir()
            path.write_bytes(commit)  # plain writes: the store's own would wait for the disk
    words = [sys.executable, "-c", MEASURE, str(tmp_path / "few"), str(tmp_path / "many")]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    few, many = ([int(word) for word in line.split()] for line in done.stdout.splitlines())
    assert pq.read_metadata(tmp_path / "many" / table_name("latents")).num_rows == 100_000
    rows_bytes = 100_000 * 6 * 8
    assert many[0] < few[0] + rows_bytes / 4, "Python's objects"
    assert many[1] < few[1] + rows_bytes / 4, "Arrow's rows"
