"""What a store says of its sweep: counts by state, time left, failures and their reasons. Reads small files only."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from aesweep.models.errors import InputError
from aesweep.sweep.driver.deaths import deaths, open_stage
from aesweep.sweep.driver.outcome import RETRY, resume_command
from aesweep.sweep.store.layout import VERIFIED
from aesweep.sweep.store.records.whole_store import VerifiedRecord
from aesweep.sweep.store.store import STATES, State, Store
from aesweep.sweep.tables.evaluation_names import evaluation_names
from aesweep.sweep.tables.learning import PoorTraining, poor_trainings
from aesweep.sweep.tables.row_counts import table_rows
from aesweep.sweep.tables.spec_index import SpecIndex


@dataclass(frozen=True)
class TrialAtWork:
    """A trial that a driver trains now."""

    key: str
    epoch: int
    epochs: int
    images_per_second: float
    loss: float | None
    """Mean training loss of the last epoch; None before the first."""
    test_loss: float | None
    """Cross-entropy of a sample of the test images after that epoch, nats per pixel value."""
    name: str
    silent_seconds: float
    """Since its last sign of life; 0 while that is not remarkable."""


@dataclass(frozen=True)
class FailedTrial:
    """A trial that has failed, and the command that tries it again."""

    key: str
    name: str
    reason: str
    command: str
    replaced: bool
    """Whether the latest spec has the name of the one that asked for it, and asks for it no more: it was corrected."""


@dataclass(frozen=True)
class LostTrial:
    """A trial whose newest attempts died; it is tried again without being asked to."""

    key: str
    name: str
    deaths: int
    reason: str


@dataclass(frozen=True)
class SeenDriver:
    """A driver, and how many seconds ago it wrote its progress."""

    host: str
    pid: int
    age: float
    alive: bool


@dataclass(frozen=True)
class SeenEvaluation:
    """A way of scoring, and how many trials were scored so."""

    id: str
    name: str
    trials: int
    latest: bool
    """Whether the latest launch asked for it."""


@dataclass(frozen=True)
class LastVerify:
    """What the last `aesweep verify` found."""

    time: str
    files: int
    bytes: int
    missing: int
    damaged: int
    repaired: bool
    """Whether what was found was set aside."""

    @staticmethod
    def describe(missing: int, damaged: int) -> str:
        """For instance `2 missing, 1 damaged`; `all is well`."""
        words = [f"{count:,} {what}" for count, what in ((missing, "missing"), (damaged, "damaged")) if count]
        return ", ".join(words) or "all is well"


@dataclass(frozen=True)
class Status:
    """The state of the latest spec of a store, or of all of them."""

    sweep: str
    counts: dict[State, int]
    running: list[TrialAtWork]
    failures: list[FailedTrial]
    lost: list[LostTrial]
    drivers: list[SeenDriver]
    tables: dict[str, int]
    eta_seconds: float | None
    verified: LastVerify | None
    """None where nobody has verified the store."""
    evaluations: list[SeenEvaluation]
    """Ways of scoring that these trials have scores of."""
    poor: list[PoorTraining]
    """Trained models that learnt nothing or were still improving fast, as far as the tables know them."""

    def to_json(self) -> dict[str, object]:
        """The object that `status --json` prints."""
        return asdict(self)


def read_status(store: Store, every_spec: bool = False) -> Status:
    """Read the state of every trial that the latest spec (or any spec, with `every_spec`) asks for."""
    store = store.snapshot()
    index = SpecIndex(store)
    keys = [key for key in index.asked if every_spec or key in index.latest]
    asked = set(keys)
    states = store.storage.map(lambda key: store.state(key, index.evaluation_of(key), index.running), keys)
    alive = [driver for driver in index.drivers if driver.alive]
    names = {driver.file for driver in alive}
    found = Status(
        sweep=index.name,
        counts=dict.fromkeys(STATES, 0),
        running=[],
        failures=[],
        lost=[],
        drivers=[SeenDriver(d.said.host, d.said.pid, d.age, d.alive) for d in index.drivers],
        tables=table_rows(store),
        eta_seconds=max((d.said.eta_seconds for d in alive if d.said.eta_seconds is not None), default=None),
        verified=_last_verify(store),
        evaluations=_evaluations(store, keys),
        poor=[one for one in poor_trainings(store) if one.key in asked],
    )
    retry, of_older = resume_command(store.root, RETRY), resume_command(store.root, "--all", RETRY)
    for key, (state, reason, _) in zip(keys, states, strict=True):
        found.counts[state] += 1
        if state == "running":
            trial = index.running[key]
            at = (trial.epoch, trial.epochs, trial.images_per_second, trial.loss, trial.test_loss)
            found.running.append(TrialAtWork(key, *at, trial.name, trial.silent_seconds))
        if state == "failed":
            is_latest = key in index.latest
            replaced = not is_latest and index.asked[key][0] == index.name
            command = retry if is_latest else of_older
            found.failures.append(FailedTrial(key, trial_name(store, key), reason, command, replaced))
        stage, which = (
            open_stage(store, key, index.evaluation_of(key)) if state in ("pending", "trained") else (None, "")
        )
        if stage and (dead := deaths(store, key, stage, which, names)).count:
            found.lost.append(LostTrial(key, trial_name(store, key), dead.count, dead.describe()))
    return found


def _evaluations(store: Store, keys: Iterable[str]) -> list[SeenEvaluation]:
    """Ways of scoring that these trials have scores of, the most common first."""
    counts = Counter(evaluation for key in keys for evaluation in store.commits.scored(key))
    names, latest = evaluation_names(store) if counts else {}, store.trials.latest_evaluation()
    return [SeenEvaluation(one, names.get(one, one), count, one == latest) for one, count in counts.most_common()]


def _last_verify(store: Store) -> LastVerify | None:
    found = store.records.read(VERIFIED, VerifiedRecord)
    if found is None:
        return None
    return LastVerify(found.time, found.files, found.bytes, found.missing, found.damaged, found.repaired)


def trial_name(store: Store, key: str) -> str:
    """The trial's readable name; its key where the configuration is lost."""
    try:
        return store.trials.config(key).name
    except InputError:
        return key
