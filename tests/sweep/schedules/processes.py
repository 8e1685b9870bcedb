"""What works on a store at the same time: workers, drivers, commands, and what befalls it. Each is the product's own code.

A worker's driver is not seen, unless it is a `launch` or a `resume`: it sleeps, or its progress file is too old.
"""

import io
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial

from rich.console import Console

from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError
from aesweep.sweep.running import clean_up
from aesweep.sweep.store.attempts import DamagedFileError, new_start
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.layout import CHECKPOINT, MARK, MODEL, scores_name, training_name
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.records.launches import LaunchProgress
from aesweep.sweep.store.records.whole_store import StoreMark
from aesweep.sweep.store.removal.forget import remove, trial_removal
from aesweep.sweep.store.removal.prune import prune
from aesweep.sweep.store.repair import repair
from aesweep.sweep.store.storage import Storage, StorageError
from aesweep.sweep.store.store import Store
from aesweep.sweep.store.verify import verify_trial
from aesweep.sweep.tables.fold import TableWriter, tables_are_current
from aesweep.sweep.tables.row_counts import table_rows
from tests.records import scored, trained
from tests.sweep.schedules.explorer import Process, run_alone
from tests.sweep.schedules.simulated import RUNNING
from tests.sweep.schedules.world import World

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
KEY = TRIAL.key
EVALUATION = "0123456789ab"
TRAINED, SCORED = training_name(KEY), scores_name(KEY, EVALUATION)
MARK_BYTES = StoreMark(format=1, id="1" * 32, created="2026-01-01T00:00:00+00:00").to_bytes()
OTHER_MARK = StoreMark(format=1, id="2" * 32, created="2026-01-02T00:00:00+00:00").to_bytes()
ROW = ScoreRow(
    split="test", source="reconstruction", metric="bce", value=0.5, reference_split="test", n=5, sampling_seed=0
)
SLEEP_SECONDS = 120  # longer than a driver may be silent


def open_in(storage: Storage) -> Store:
    """The store of a process."""
    return Store(storage.root, storage)


def train(weights: bytes, storage: Storage, driver: str = "none") -> None:
    """A worker that trains the trial, if nobody has."""
    store = open_in(storage)
    if store.commits.has_training(KEY):
        return
    attempt = store.attempts.new(KEY, "train")
    store.attempts.write_start(KEY, attempt, new_start(driver))
    files = {MODEL: store.attempts.write_file(KEY, attempt, MODEL, weights)}
    if store.commits.commit_training(KEY, trained(attempt, files)):
        for each in store.attempts.of(KEY, "train"):
            storage.remove(f"trials/{KEY}/attempts/{each}/{CHECKPOINT}")


def score(storage: Storage, driver: str = "none") -> None:
    """A worker that scores the trial, if it is trained and nobody has."""
    store = open_in(storage)
    training = store.commits.training(KEY)
    if training is None or store.commits.has_scores(KEY, EVALUATION):
        return
    attempt = store.attempts.new(KEY, "evaluate", EVALUATION)
    store.attempts.write_start(KEY, attempt, new_start(driver))
    files = {"latents.npz": store.attempts.write_file(KEY, attempt, "latents.npz", b"latents")}
    record = scored(attempt, (ROW,), training.files[MODEL].sha256, files)
    store.commits.commit_scores(KEY, EVALUATION, record)


def drive(work: Callable[[Storage, str], None], storage: Storage) -> None:
    """A driver: seen by others before it changes anything, then cleans up, works and ends."""
    store = open_in(storage)
    file = ProgressFile(store)
    try:
        file.write(LaunchProgress(running={}), force=True)
        store.trials.write_config(TRIAL)
        clean_up(store, Console(file=io.StringIO()), file.driver)
        plan(storage)
        work(storage, file.driver)
    finally:
        file.remove()


def plan(storage: Storage) -> None:
    """What a launch and a resume look at first: they set aside what is damaged."""
    store = open_in(storage).snapshot()
    store.commits.has_model(KEY)
    store.state(KEY, EVALUATION, ())
    store.commits.scores(KEY, EVALUATION)


def publish(storage: Storage) -> None:
    """`aesweep tables`."""
    TableWriter(open_in(storage)).publish(force=True)


def read(storage: Storage, on_good_disk: bool = True, in_one_store: bool = True) -> None:
    """`status`, `report` and `load_model`: what they were told once stays true, and files are there."""
    store = open_in(storage).only_looking()
    was = store.snapshot().state(KEY, EVALUATION, ()).state
    tables_are_current(store)
    table_rows(store)
    try:
        store.commits.model_bytes(KEY)
    except DamagedFileError as error:
        if in_one_store:
            raise AssertionError("a reader found files of a commit missing") from error
    except InputError:
        assert not on_good_disk or was not in ("trained", "done"), "a reader saw a training vanish"
    assert not on_good_disk or was != "done" or store.commits.has_scores(KEY, EVALUATION), "a reader saw scores vanish"


def remove_leftovers(storage: Storage) -> None:
    """`aesweep prune`; it does nothing where it sees a driver."""
    with suppress(InputError):
        prune(open_in(storage), damaged=True)


def forget(storage: Storage) -> None:
    """`aesweep forget KEY`; it does nothing where it sees a driver, and gives up where one writes all the time."""
    store = open_in(storage)
    with suppress(InputError, StorageError):
        remove(store, [trial_removal(store.only_looking().snapshot(), KEY)])


def scrub(storage: Storage) -> None:
    """`aesweep verify --repair`."""
    store = open_in(storage)
    repair(store, verify_trial(store, set(), KEY).findings)


def launch_cleans_up(storage: Storage) -> None:
    """What a launch removes first, of a driver that nobody sees."""
    clean_up(open_in(storage), Console(file=io.StringIO()))


def damage(name: str, storage: Storage) -> None:
    """A bad disk cuts a commit short."""
    RUNNING.do("damage", name)


def wait(storage: Storage) -> None:
    """Time passes: who is asleep or dead is not seen any more."""
    RUNNING.do("wait", SLEEP_SECONDS)


def swap(storage: Storage) -> None:
    """Another store is put in the place of this one, and this one comes back."""
    RUNNING.do("swap")
    RUNNING.do("swap")


def half_train(storage: Storage) -> None:
    """An attempt that died after its first checkpoint."""
    store = open_in(storage)
    attempt = store.attempts.new(KEY, "train")
    store.attempts.write_file(KEY, attempt, CHECKPOINT, _checkpoint())


def half_score(storage: Storage) -> None:
    """An evaluation that died."""
    store = open_in(storage)
    attempt = store.attempts.new(KEY, "evaluate", EVALUATION)
    store.attempts.write_file(KEY, attempt, "latents.npz", b"latents")


PROCESSES: dict[str, Process] = {
    "train": partial(train, b"weights"),
    "train otherwise": partial(train, b"other weights"),
    "score": score,
    "launch": partial(drive, partial(train, b"weights")),
    "evaluate": partial(drive, score),
    "resume": plan,
    "prune": remove_leftovers,
    "repair": scrub,
    "forget": forget,
    "tables": publish,
    "tables again": publish,
    "clean up": launch_cleans_up,
    "read": read,
    "bad disk": partial(damage, TRAINED),
    "bad disk under scores": partial(damage, SCORED),
    "time": wait,
    "swap": swap,
}
BAD_DISKS = ("bad disk", "bad disk under scores")
TAKERS = (*BAD_DISKS, "forget")
"""Those that may take a commit that counts."""


def chosen(names: Iterable[str]) -> dict[str, Process]:
    """These processes, as they are together: where the disk is bad or the store is swapped, readers see commits vanish.

    What is forgotten goes while they read. A swapped store refuses to be written.
    """
    names = tuple(names)
    found = {name: PROCESSES[name] for name in names}
    if "read" in names:
        in_one_store = not {"swap", "forget"} & set(names)
        on_good_disk = in_one_store and not set(names) & set(BAD_DISKS)
        found["read"] = partial(read, on_good_disk=on_good_disk, in_one_store=in_one_store)
    if "forget" in names:
        found = {name: partial(_interrupted, one) for name, one in found.items()}
    if "swap" in names:
        found = {name: partial(_refused, one) for name, one in found.items()}
    return found


def _interrupted(process: Process, storage: Storage) -> None:
    with suppress(StorageError):  # its folder goes each time that it writes
        process(storage)


def _refused(process: Process, storage: Storage) -> None:
    assert isinstance(storage, LocalStorage)
    storage.identity = MARK_BYTES  # it opened the store before the other one came
    with suppress(StorageError):
        process(storage)


BEGINNINGS: dict[str, tuple[Process, ...]] = {
    "new": (),
    "half trained": (half_train, half_train),
    "trained": (half_train, PROCESSES["train"], half_score),
    "scored": (half_train, PROCESSES["train"], half_score, score, publish),
}


def begin(storage: str, how: str) -> World:
    """The world at the beginning."""
    world = World()

    def make(storage: Storage) -> None:
        storage.write(MARK, MARK_BYTES)
        open_in(storage).trials.write_config(TRIAL)

    for number, process in enumerate((make, *BEGINNINGS[how])):
        world = run_alone(process, f"before {number}", storage, world, MARK_BYTES)
    world.trees["other"] = _other(make, storage).ours
    return world


def _other(make: Process, storage: str) -> World:
    """Another store, which holds the same trial with other weights, of which the disk has kept no bytes."""
    world = World()
    for number, process in enumerate((make, PROCESSES["train otherwise"], score)):
        world = run_alone(process, f"other {number}", storage, world, MARK_BYTES)
    for name in list(world.ours.files):
        if name.endswith((MODEL, "latents.npz")):
            world.ours.put(name, None)
    world.ours.put(MARK, OTHER_MARK)
    return world


def _checkpoint() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as zipped:
        zipped.writestr(zipfile.ZipInfo("state"), b"1")
    return file.getvalue()
