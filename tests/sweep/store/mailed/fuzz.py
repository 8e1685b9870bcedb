"""The stores, numbered: each number is always the same damage of the same store, and the same actions on it."""

import json
import os
import random
import shutil
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import pyarrow as pa

from aesweep.sweep.provenance import this_machine, write_launch
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.layout import MERGES, commit_name
from aesweep.sweep.store.records.attempts import PrunedAttempts
from aesweep.sweep.store.records.commits import TrainingRecord
from aesweep.sweep.store.records.launches import MergeRecord
from aesweep.sweep.store.store import open_store
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.in_process import run_aesweep
from tests.small_store import DONE, HALF
from tests.sweep.store.mailed.damage import Context, all_damages, damage
from tests.sweep.store.mailed.sandbox import Ended, make_bait, run_limited
from tests.sweep.store.mailed.verbs import ACTIONS, SLOW, Place

EACH = 4
"""Actions on each store, one after the other: what the first one changed, the second one meets."""
EVERY = 20
"""One store of so many is looked at by the slow actions as well."""


@dataclass(frozen=True)
class Found:
    """How one action on one store ended."""

    action: str
    code: int | None
    """None where there was trouble."""
    trouble: str
    """What must not be; "" where all was well."""
    seconds: float
    megabytes: float


@dataclass(frozen=True)
class Case:
    """One store and what was found."""

    seed: int
    kind: str
    name: str
    done: str
    found: tuple[Found, ...]


class Workshop:
    """A store with every kind of file, made once, and room for copies of it."""

    def __init__(self, folder: Path, small_store: Path, data: Path, report: bool = True) -> None:
        """`small_store` is tests.small_store's, `data` the reader's data folder. Drawing a `report` takes seconds."""
        self.folder, self.data, self.pristine = folder, data, folder / "pristine"
        self.spec = folder / "small.yaml"
        self.spec.write_text(SPEC)
        shutil.copytree(small_store, self.pristine)
        self._add_what_lacks()
        assert run_aesweep("verify", self.pristine).code in (0, 1)
        if report:
            assert run_aesweep("report", self.pristine).code == 0
        else:
            (self.pristine / "report").mkdir()
            (self.pristine / "report/files.json").write_text('{"data": "x", "files": ["index.html"]}')
        self.sound = self._make_sound()
        self._import_everything()

    def _add_what_lacks(self) -> None:
        """Files that only launches, requests and earlier commands leave."""
        store = open_store(self.pristine)
        store.records.write(f"trials/{DONE.key}/pruned.json", PrunedAttempts(attempts=("train-0000-abcdef",)))
        died = store.attempts.new(HALF.key, "train")
        store.attempts.write_end(HALF.key, died, "died", "killed")
        (picture,) = (self.pristine / f"trials/{DONE.key}/attempts").glob("*/samples/gmm.png")
        shutil.copy(picture, picture.with_name("memorisation.png"))  # of a metric that is not asked for
        (driver,) = (self.pristine / "progress").glob("*.json")
        driver.with_suffix(".stop").touch()
        (attempt,) = (self.pristine / f"trials/{HALF.key}/attempts").glob("train-0001-*")
        beat = driver.with_name(f"{driver.stem}--{HALF.key}--{attempt.name}.alive")
        beat.write_text('{"node": "ab", "pid": 7}')
        write_launch(store, driver.stem, "small", "x", [this_machine()])
        commit = commit_name(DONE.key, "train")
        trained = store.records.read(commit, TrainingRecord)
        assert trained is not None
        store.records.write(commit, trained.model_copy(update={"launch": driver.stem}))
        merge = MergeRecord(time=trained.result.ended, source="another", keys=(DONE.key,))
        store.records.write(f"{MERGES}/{driver.name}", merge)

    def _make_sound(self) -> Path:
        """A store whose driver has gone, with one trial more that is trained."""
        store = open_store(shutil.copytree(self.pristine, self.folder / "sound"))
        _let_the_driver_be_gone(Path(store.root))
        attempt = TrainingAttempt(store, HALF, ExecutionConfig(data_dir=str(self.data), device="cpu"))
        attempt.start()
        while not attempt.finished:
            attempt.run_epoch()
        attempt.commit()
        return Path(store.root)

    def _import_everything(self) -> None:
        """Every action once, so that no child imports a library."""
        for name in [name for name in ACTIONS if name not in SLOW]:
            copy = self.folder / "warm"
            shutil.copytree(self.pristine, copy)
            _let_the_driver_be_gone(copy)  # nobody waits for a sign of it
            ACTIONS[name](Place(copy, self.folder, self.data, self.spec, self.sound))
            shutil.rmtree(copy)


SPEC = """\
name: small
base: {filters: 2, epochs: 2, batch_size: 512, learning_rates: [1e-3], learning_rate_drops: []}
blocks: [{name: done, latent_size: 2}, {name: others, latent_size: [3, 4]}]
evaluation: {extractor: random-conv-64, samples: 50, reference_size: 60, gmm_components: 2}
"""


def run_case(workshop: Workshop, seed: int, slow: bool = True) -> Case:
    """Damage one store and do something with it. `slow` lets one store of `EVERY` be reported too."""
    rng, damages = random.Random(seed), all_damages()
    kind, name = damages[seed * 7919 % len(damages)]
    folder = workshop.folder / f"case-{seed}"
    place = Place(folder / "store", folder / "out", workshop.data, workshop.spec, workshop.sound)
    bait = make_bait(folder / "bait")
    place.out.mkdir()
    shutil.copytree(workshop.pristine, place.store)
    if rng.random() < 0.7:
        _let_the_driver_be_gone(place.store)
    try:
        with _memory_given_back():
            done = damage(Context(rng, place.store, bait), kind, name)
    except Exception:  # a fault of ours, which must not hide what the other stores lead to
        shutil.rmtree(folder)
        return Case(seed, kind, name, name, (Found("damage", None, traceback.format_exc()[-2000:], 0.0, 0.0),))
    actions = rng.sample([a for a in ACTIONS if a not in SLOW], EACH)
    if slow and seed % EVERY == 0:
        actions.insert(rng.randrange(EACH + 1), rng.choice(SLOW))
    found = _run(place, bait, actions)
    os.system(f"chmod -R u+rwX {folder}") if name == "no rights" else None
    shutil.rmtree(folder)
    return Case(seed, kind, name, done, found)


@contextmanager
def _memory_given_back() -> Iterator[None]:
    """Arrow's own allocator keeps the memory of the large tables that are made here, and each fork copies its map."""
    usual = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(usual)


def _let_the_driver_be_gone(store: Path) -> None:
    for path in (store / "progress").glob("*.json"):
        path.write_text(json.dumps({**json.loads(path.read_text()), "time": 0.0}))


def _run(place: Place, bait: Path, actions: list[str]) -> tuple[Found, ...]:
    tasks = [partial(ACTIONS[action], place) for action in actions]
    ended = run_limited(tasks, bait, place.store, place.data, place.out, readable=(place.spec, place.sound))
    return tuple(_found(action, one) for action, one in zip(actions, ended, strict=False))


def _found(action: str, ended: Ended) -> Found:
    outside = f"outside: {', '.join(ended.touched[:5])}" if ended.touched else ""
    trouble = ended.trouble or outside
    return Found(action, None if trouble else ended.result, trouble, ended.seconds, ended.megabytes)


def run_cases(workshop: Workshop, seeds: Iterable[int], jobs: int, slow: bool = True) -> list[Case]:
    """Every store of these numbers; `jobs` processes share them, fresh ones: who forks beside other threads may wait for ever."""
    with ProcessPoolExecutor(jobs, get_context("spawn"), _import_matplotlib) as pool:  # says when a process was killed
        return list(pool.map(_Runner(workshop, slow), seeds, chunksize=5))


def _import_matplotlib() -> None:
    """It makes folders below the home when it is imported, which in a child is bait."""
    import_module("aesweep.analysis.figures")
    import_module("matplotlib.font_manager")


@dataclass(frozen=True)
class _Runner:
    workshop: Workshop
    slow: bool

    def __call__(self, seed: int) -> Case:
        return run_case(self.workshop, seed, self.slow)
