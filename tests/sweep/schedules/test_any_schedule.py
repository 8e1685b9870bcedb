"""The promises of docs/store.md under thousands of schedules (100,000 under `faults`), and what breaks without them."""

import logging
import os
import uuid
from collections.abc import Iterator
from functools import partial

import pytest

from aesweep.models.config import TrialConfig
from aesweep.sweep.store import prune as pruning
from aesweep.sweep.store.commits import Commits
from aesweep.sweep.store.layout import MODEL, attempt_folder, scores_name, training_name
from aesweep.sweep.store.prune import prune
from aesweep.sweep.store.records import FileRecord, ScoresRecord, TrainingRecord, file_record, parse_record
from aesweep.sweep.store.repair import repair
from aesweep.sweep.store.storage import Storage
from aesweep.sweep.store.store import Store
from aesweep.sweep.store.verify import verify_trial
from tests.records import scored, trained
from tests.sweep.schedules.simulator import MemoryStorage, Process, Schedule, seeded_uuids

KEY = TrialConfig(filters=2, latent_size=2, epochs=1).key
EVALUATION = "0123456789ab"
TRAINED, SCORED = training_name(KEY), scores_name(KEY, EVALUATION)
SCHEDULES = 2000
MANY = int(os.environ.get("AESWEEP_SCHEDULES", "100000"))  # some eight minutes


def open_in(storage: Storage) -> Store:
    return Store("memory", storage)


def train(weights: bytes, storage: Storage) -> None:
    """A worker that trains, whose driver nobody sees."""
    store = open_in(storage)
    attempt = store.attempts.new(KEY, "train")
    store.attempts.write_file(KEY, attempt, "checkpoint.pt", b"")
    files = {MODEL: store.attempts.write_file(KEY, attempt, MODEL, weights)}
    store.commits.commit_training(KEY, trained(attempt, files))


def score(storage: Storage) -> None:
    """A worker that scores what is trained, as often as it takes to find something."""
    store = open_in(storage)
    for _ in range(3):
        training = store.commits.training(KEY)
        if training is None or store.commits.has_scores(KEY, EVALUATION):
            continue
        attempt = store.attempts.new(KEY, "evaluate", EVALUATION)
        files = {"latents.npz": store.attempts.write_file(KEY, attempt, "latents.npz", b"latents")}
        record = scored(attempt, model=training.files[MODEL].sha256, files=files)
        store.commits.commit_scores(KEY, EVALUATION, record)
        return


def look(storage: Storage) -> None:
    """A launch that plans: it sets aside what is damaged."""
    store = open_in(storage).snapshot()
    store.commits.has_model(KEY)
    store.commits.training(KEY)
    store.commits.scores(KEY, EVALUATION)


def scrub(storage: Storage) -> None:
    """`verify --repair`."""
    store = open_in(storage)
    repair(store, verify_trial(store, set(), KEY).findings)


def damage(storage: MemoryStorage) -> None:
    """A bad disk cuts one commit short."""
    for name in (TRAINED, SCORED):
        if (data := storage.read(name)) is not None and b'"vacant"' not in data:
            storage.write(name, data[:-30])
            return


class Watch:
    """Looks at the files after every step, as no process can."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.before: tuple[bytes | None, bytes | None] = (None, None)
        schedule.after_step = self.look

    def look(self, who: str) -> None:
        training, scores = self.counting()
        was_training, was_scores = self.before
        if who != "disk":
            assert was_training in (None, training), f"{who} took a commit that counts: {self.schedule.trace}"
            if was_scores is not None and was_training == training:
                assert was_scores == scores, f"{who} took scores that count: {self.schedule.trace}"
        self.before = (training, scores)

    def counting(self) -> tuple[bytes | None, bytes | None]:
        """The bytes of the commits that count. Their files must be there."""
        files = self.schedule.files
        training = parse_record(TrainingRecord, files.get(TRAINED, b""))
        scores = parse_record(ScoresRecord, files.get(SCORED, b""))
        for commit in (training, scores):
            for name, record in commit.files.items() if commit else ():
                assert self.is_there(f"{attempt_folder(KEY, commit.attempt if commit else '')}/{name}", record), (
                    f"{name} of a commit is missing: {self.schedule.trace}"
                )
        counts = training is not None and scores is not None and scores.model == training.files[MODEL].sha256
        return files.get(TRAINED) if training else None, files.get(SCORED) if counts else None

    def is_there(self, name: str, record: FileRecord) -> bool:
        return name in self.schedule.files and file_record(self.schedule.files[name]) == record


PROCESSES: dict[str, Process] = {
    "first": partial(train, b"weights"),
    "second": partial(train, b"other weights"),
    "scorer": score,
    "pruner": lambda storage: prune(open_in(storage)),
    "reader": look,
    "disk": damage,  # type: ignore[dict-item]
    "again": partial(train, b"weights"),
    "rescorer": score,
    "launch": look,
    "scrubber": scrub,
}


def explore(number: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """One schedule of some of the processes; how many steps it had."""
    schedule = Schedule(number, crashes=0.02 * (number % 3 == 1), losses=0.02 * (number % 3 == 2))
    schedule.switches = (0.1, 0.3, 0.7)[number % 7 % 3]
    monkeypatch.setattr(uuid, "uuid4", seeded_uuids(schedule))
    Watch(schedule)
    chosen = schedule.random.sample(sorted(PROCESSES), schedule.random.randint(3, len(PROCESSES)))
    schedule.run({name: PROCESSES[name] for name in chosen})
    return schedule.steps


def explore_all(count: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Schedules 0 to `count`; how many steps they had."""
    return sum(explore(number, monkeypatch) for number in range(count))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def test_no_schedule_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explore_all(SCHEDULES, monkeypatch) > 20 * SCHEDULES


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(0)
def test_many_more_schedules_break_no_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert explore_all(MANY, monkeypatch) > 20 * MANY


def test_a_schedule_is_replayed_by_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    traces = []
    for _ in range(2):
        schedule = Schedule(42)
        monkeypatch.setattr(uuid, "uuid4", seeded_uuids(schedule))
        schedule.run(PROCESSES)
        traces.append(schedule.trace)
    assert traces[0] == traces[1]


def set_aside_by_name(self: MemoryStorage, name: str, found: bytes, left: bytes | None = None) -> str | None:
    self._step("set_aside", name)
    self._put(name, None)
    return "aside"


def commit_after_setting_scores_aside(self: Commits, key: str, commit: TrainingRecord) -> bool:
    if self.records.storage.exists(TRAINED):
        return False
    for evaluation in self.scored(key):
        if (scores := self.scores(key, evaluation)) and scores.model != commit.files[MODEL].sha256:
            self.records.storage.remove(scores_name(key, evaluation))
    return self._commit(key, "train", "", commit)


def close_nothing(store: Store, attempts: object) -> set[tuple[str, str]]:
    return set()


@pytest.mark.parametrize(
    ("place", "name", "old"),
    [
        (MemoryStorage, "set_aside", set_aside_by_name),
        (Commits, "commit_training", commit_after_setting_scores_aside),
        (pruning, "_close", close_nothing),
    ],
    ids=["set aside by name", "scores set aside by who loses", "attempts that sleep are not closed"],
)
def test_the_old_ways_are_found_out(monkeypatch: pytest.MonkeyPatch, place: object, name: str, old: object) -> None:
    monkeypatch.setattr(place, name, old)
    with pytest.raises(AssertionError, match=r"that count|is missing"):
        explore_all(SCHEDULES, monkeypatch)
