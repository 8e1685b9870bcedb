"""Which store it is: drivers and workers write nothing where another store, or none, has taken the place of theirs."""

import pickle
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.config import TrialConfig
from aesweep.sweep.driver.recovery import Recovery
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.layout import MARK, MODEL
from aesweep.sweep.store.records.commits import TrainingRecord
from aesweep.sweep.store.storage import OtherStoreError, Storage, StorageError
from aesweep.sweep.store.store import Store, open_storage, open_store
from aesweep.sweep.worker.remote_stage import run_stage
from aesweep.sweep.worker.trainable import TrialTrainable
from tests.records import trained
from tests.sweep.store.s3_server import Proxy

TRIAL = TrialConfig(filters=2, latent_size=2, epochs=1)
EXECUTION = ExecutionConfig(data_dir="/nowhere", device="cpu")
NEW = f"trials/{TRIAL.key}/train.json"
CHANGES: dict[str, Callable[[Storage], object]] = {
    "write": lambda storage: storage.write("new", b"1"),
    "commit": lambda storage: storage.commit("new", b"1"),
    "replace": lambda storage: storage.replace("same", b"same", b"1"),
    "replace by nothing": lambda storage: storage.replace("same", b"same", None),
    "set aside": lambda storage: storage.set_aside("same", b"same"),
    "make a folder": lambda storage: storage.make_folder("new folder"),
    "remove": lambda storage: storage.remove("same"),
    "remove a folder": lambda storage: storage.remove_folder("folder"),
}
AT_ONCE = ("commit", "replace", "replace by nothing")
"""What looks at `store.json` each time on S3 too."""


@dataclass
class Place:
    """The address of a store, where another one can be put."""

    address: str

    def begin(self) -> Store:
        """A new store with a few files, at the address."""
        store = open_store(self.address, create=True)
        for name in ("same", "folder/file"):
            store.storage.write(name, b"same")
        store.trials.write_config(TRIAL)
        return store

    def take_away(self) -> None:
        """Leave nothing at the address."""
        if "://" in self.address:
            open_storage(self.address).remove_folder("")
        else:
            shutil.rmtree(self.address)

    def exchange(self) -> Store:
        """Put another store there, with the same files."""
        self.take_away()
        return self.begin()

    def content(self) -> dict[str, bytes | None]:
        """Every file at the address."""
        storage = open_storage(self.address)
        return {name: storage.read(name) for name in storage.listing("", 9)}


@pytest.fixture(params=["path", "S3"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place on each kind of storage."""
    return Place(str(tmp_path / "store") if request.param == "path" else request.getfixturevalue("uri"))


def test_a_worker_changes_nothing_in_another_store_than_its_drivers(place: Place) -> None:
    driver = place.begin()
    other = place.exchange()
    before = place.content()
    worker = Store(place.address, identity=driver.storage.identity)
    for change in CHANGES.values():
        with pytest.raises(OtherStoreError, match="Another store is in its place") as refused:
            change(worker.storage)
        assert len(str(refused.value).splitlines()) == 2 and place.address in str(refused.value)
    assert place.content() == before
    for change in CHANGES.values():
        change(other.storage)
    assert place.content() != before


def test_a_worker_makes_nothing_where_its_store_is_not_there(place: Place) -> None:
    driver = place.begin()
    place.take_away()
    for name in ("write", "commit", "make a folder"):
        with pytest.raises(StorageError, match="not there any more"):
            CHANGES[name](Store(place.address, identity=driver.storage.identity).storage)
    assert place.content() == {}


def test_a_commit_into_a_store_that_was_exchanged_meanwhile_is_refused(place: Place) -> None:
    store = place.begin()
    store.storage.write("same", b"same")
    place.exchange()
    before = place.content()
    for name in AT_ONCE:
        with pytest.raises(OtherStoreError):
            CHANGES[name](store.storage)
    assert place.content() == before


def test_a_commit_on_s3_costs_one_request_more_and_other_writes_none(uri: str, proxy: Proxy) -> None:
    identity = Place(uri).begin().storage.identity
    storage = Store(uri, identity=identity).storage
    storage.require_identity()

    def methods(change: Callable[[], object]) -> list[str]:
        proxy.plan()
        change()
        return [method for method, _ in proxy.requests]

    assert methods(lambda: storage.commit("one", b"1")) == ["GET", "PUT"]
    assert methods(lambda: storage.replace("one", b"1", b"2")) == ["GET", "GET", "PUT"]
    assert methods(lambda: storage.replace("one", b"1", b"2")) == ["GET"], "it holds other bytes"
    assert methods(lambda: storage.write("two", b"2")) == ["PUT"]
    assert methods(storage.require_identity) == []


def test_a_store_without_an_id_that_an_older_version_made_works_as_before(place: Place) -> None:
    open_storage(place.address).write(MARK, b'{"format": 1}')
    store = place.begin()
    worker = Store(place.address, identity=store.storage.identity)
    worker.storage.require_identity()
    assert worker.storage.commit(NEW, b"1") and worker.storage.replace(NEW, b"1", b"2")
    assert place.content()[MARK] == b'{"format": 1}'


def test_a_launch_that_planned_for_one_store_does_not_go_on_in_another_or_make_one(place: Place) -> None:
    identity = place.begin().snapshot().storage.identity
    place.exchange()
    with pytest.raises(OtherStoreError, match="Another store"):
        open_store(place.address, create=True, identity=identity)
    place.take_away()
    with pytest.raises(StorageError, match="not there any more"):
        open_store(place.address, create=True, identity=identity)
    assert place.content() == {}


@pytest.mark.parametrize("is_there", [True, False], ids=["another store", "none"])
def test_a_machine_that_sees_another_store_ends_the_launch_and_no_trial_fails(place: Place, is_there: bool) -> None:
    """Not even where that store has the trial and its commit: it would pass for trained here."""
    driver = place.begin()
    attempt = driver.attempts.new(TRIAL.key, "evaluate", "e" * 12)
    ours = place.content()
    if is_there:
        place.exchange().commits.commit_training(TRIAL.key, trained())
    else:
        place.take_away()
    theirs = place.content()
    errors = [*map(pickle.dumps, worker_errors(driver, attempt))]
    assert place.content() == theirs

    # The driver's own machine sees its store all the time.
    if is_there:
        place.take_away()
    for name, data in ours.items():
        open_storage(place.address).write(name, data or b"")
    recovery = Recovery(driver, "a-driver.json", max_process_deaths=1)
    for error in errors:
        for _ in range(20):
            with pytest.raises(StorageError, match=r"Another store|not there any more"):
                recovery.after_training(TRIAL.key, pickle.loads(error))
            with pytest.raises(StorageError, match=r"Another store|not there any more"):
                recovery.after_death(TRIAL.key, attempt, "evaluate", "e" * 12, pickle.loads(error))
    assert driver.attempts.failures(TRIAL.key) == []
    assert driver.attempts.of(TRIAL.key, "train") == [], "nor does it count as a death"


def worker_errors(driver: Store, attempt: str) -> list[StorageError]:
    """What a training and a stage of an evaluation raise on a machine that sees another store than the driver."""
    root, identity = driver.root, driver.storage.identity
    actor = TrialTrainable.__new__(TrialTrainable)  # without Ray
    actor.setup({"key": TRIAL.key}, root, EXECUTION.to_json(), identity=identity)
    job = EvaluationJob(root, TRIAL.key, attempt, EvaluationConfig(), EXECUTION, identity=identity)
    with pytest.raises(StorageError) as training:
        actor.step()
    with pytest.raises(StorageError) as stage:
        run_stage._function("encode", pickle.loads(pickle.dumps(job)))
    return [training.value, stage.value]


def test_a_store_that_was_away_for_a_moment_keeps_its_commits(tmp_path: Path) -> None:
    """Its weights are looked for while another folder is in its place: they are not missing, and nothing is set aside."""
    address, elsewhere = tmp_path / "store", tmp_path / "elsewhere"
    store = Place(str(address)).begin()
    attempt = store.attempts.new(TRIAL.key, "train")
    weights = f"trials/{TRIAL.key}/attempts/{attempt}/{MODEL}"
    files = {MODEL: store.attempts.write_file(TRIAL.key, attempt, MODEL, b"weights")}
    assert store.commits.commit_training(TRIAL.key, trained(attempt, files))
    seen = []

    def flaw(commit: TrainingRecord) -> str:
        address.rename(elsewhere)
        address.mkdir()
        seen.append(store.storage.exists(weights))
        address.rmdir()
        elsewhere.rename(address)
        return "" if seen[-1] else "names weights that are missing"

    assert store.records.read_commit(NEW, TrainingRecord, flaw) is not None
    assert seen == [False, True]
    assert not [name for name in store.storage.listing("", 9) if "damaged" in name]


def test_a_file_of_another_store_is_no_reason_to_replace_ours(tmp_path: Path) -> None:
    """What is compared and what is replaced is the same file, also where the folder is exchanged in between."""
    storage = Place(str(tmp_path / "store")).begin().storage
    Place(str(tmp_path / "other")).begin().storage.write("same", b"another")
    with storage.pinned():
        (tmp_path / "store").rename(tmp_path / "ours")
        (tmp_path / "other").rename(tmp_path / "store")
        assert not storage.replace("same", b"another", b"new")
        assert storage.replace("same", b"same", b"new")
    assert (tmp_path / "ours" / "same").read_bytes() == b"new"
    assert (tmp_path / "store" / "same").read_bytes() == b"another"
