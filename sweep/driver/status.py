"""What a store says of its sweep: counts by state, time left, failures and their reasons. Reads small files only."""

from dataclasses import dataclass
from typing import Any

from aesweep.models.errors import InputError
from aesweep.sweep.driver.deaths import Deaths, deaths, open_stage
from aesweep.sweep.store.launched import RETRY, resume_command
from aesweep.sweep.store.states import STATES, State, trial_state
from aesweep.sweep.store.store import Store
from aesweep.sweep.tables.fold import SpecIndex, table_rows


@dataclass(frozen=True)
class Status:
    """The state of the latest spec of a store, or of all of them."""

    sweep: str
    counts: dict[State, int]
    running: list[dict[str, Any]]
    failures: list[dict[str, Any]]
    lost: list[dict[str, Any]]
    """Trials whose newest attempts died; they are tried again without being asked to."""
    drivers: list[dict[str, Any]]
    tables: dict[str, int]
    eta_seconds: float | None

    def to_json(self) -> dict[str, Any]:
        """The object that `status --json` prints."""
        return {
            "sweep": self.sweep,
            "counts": self.counts,
            "running": self.running,
            "failures": self.failures,
            "lost": self.lost,
            "drivers": self.drivers,
            "tables": self.tables,
            "eta_seconds": self.eta_seconds,
        }


def read_status(store: Store, every_spec: bool = False) -> Status:
    """Read the state of every trial that the latest spec (or any spec, with `every_spec`) asks for."""
    store = store.listed()
    index = SpecIndex(store)
    keys = [key for key in index.asked if every_spec or key in index.latest]
    counts: dict[State, int] = dict.fromkeys(STATES, 0)
    running: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    lost: list[dict[str, Any]] = []
    alive = [driver for driver in index.drivers if driver["alive"]]
    living = {driver["file"] for driver in alive}
    retry = resume_command(store.root, RETRY)
    states = store.storage.map(lambda key: trial_state(store, key, index.evaluation_of(key), index.running), keys)
    for key, (state, reason) in zip(keys, states, strict=True):
        counts[state] += 1
        if state == "running":
            running.append({"key": key, **index.running[key]})
        if state == "failed":
            failures.append({"key": key, "name": _name(store, key), "reason": reason, "command": retry})
        if state in ("pending", "trained") and (found := _deaths(store, key, index.evaluation_of(key), living)).count:
            lost.append({"key": key, "name": _name(store, key), "deaths": found.count, "reason": found.describe()})
    seen = [{part: driver[part] for part in ("host", "pid", "age", "alive")} for driver in index.drivers]
    return Status(
        sweep=index.name,
        counts=counts,
        running=running,
        failures=failures,
        lost=lost,
        drivers=seen,
        tables=table_rows(store),
        eta_seconds=max((d["eta_seconds"] for d in alive if d.get("eta_seconds") is not None), default=None),
    )


def _deaths(store: Store, key: str, evaluation: str, living: set[str]) -> Deaths:
    """Deaths in the stage that the trial waits for."""
    stage, which = open_stage(store, key, evaluation)
    return deaths(store, key, stage, which, living) if stage else Deaths()


def _name(store: Store, key: str) -> str:
    """The trial's readable name; its key where the configuration is lost."""
    try:
        return store.config(key).name
    except InputError:
        return key
