"""What a store says of its sweep: counts by state, time left, failures and their reasons. Reads small files only."""

from dataclasses import dataclass
from typing import Any

from sweep.progress_file import drivers
from sweep.store import Store
from sweep.tables import SpecIndex, table_rows
from sweep.work import STATES, State, trial_state


@dataclass(frozen=True)
class Status:
    """The state of the latest spec of a store, or of all of them."""

    sweep: str
    counts: dict[State, int]
    running: list[dict[str, Any]]
    failures: list[dict[str, Any]]
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
            "drivers": self.drivers,
            "tables": self.tables,
            "eta_seconds": self.eta_seconds,
        }


def read_status(store: Store, every_spec: bool = False) -> Status:
    """Read the state of every trial that the latest spec (or any spec, with `every_spec`) asks for."""
    index = SpecIndex(store)
    known = drivers(store)
    keys = [key for key in index.asked if every_spec or key in index.latest]
    counts: dict[State, int] = dict.fromkeys(STATES, 0)
    running: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for key in keys:
        evaluation = index.describe(key)["evaluation"]
        state, reason = trial_state(store, key, evaluation, index.running)
        counts[state] += 1
        if state == "running":
            running.append({"key": key, **index.running[key]})
        if state == "failed":
            failures.append({"key": key, "name": store.config(key).name, "reason": reason})
    alive = [driver for driver in known if driver["alive"]]
    seen = [{part: driver[part] for part in ("host", "pid", "age", "alive")} for driver in known]
    latest = store.specs()
    return Status(
        sweep=latest[-1]["name"] if latest else "none",
        counts=counts,
        running=running,
        failures=failures,
        drivers=seen,
        tables=table_rows(store),
        eta_seconds=max((d["eta_seconds"] for d in alive if d["eta_seconds"] is not None), default=None),
    )
