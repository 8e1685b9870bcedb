"""The state of a trial: pending, running, trained, done or failed, as the store's records say."""

from collections.abc import Collection, Sequence
from typing import Literal, NamedTuple

from aesweep.sweep.store.drivers import living_drivers, running_trials
from aesweep.sweep.store.store import Stage, Store

State = Literal["pending", "running", "trained", "done", "failed"]
STATES: tuple[State, ...] = ("pending", "running", "trained", "done", "failed")


class TrialState(NamedTuple):
    """What the store says of a trial."""

    state: State = "pending"
    reason: str = ""
    """Why it failed; "" unless it did."""
    failed_stage: Stage | None = None


def trial_states(store: Store, keys: Sequence[str], evaluation: str) -> dict[str, TrialState]:
    """The states of many trials, from one listing of the store."""
    known, running = store.snapshot(), running_trials(living_drivers(store))
    found = known.storage.map(lambda key: trial_state(known, key, evaluation, running), keys)
    return dict(zip(keys, found, strict=True))


def trial_state(store: Store, key: str, evaluation: str, running: Collection[str]) -> TrialState:
    """The state of a trial. `running` are the keys that a driver trains now."""
    if store.commits.has_training(key):
        if store.commits.has_scores(key, evaluation):
            return TrialState("done")
        if failure := store.attempts.open_failure(key, "evaluate", evaluation):
            return TrialState("failed", f"evaluation failed: {failure.reason}", "evaluate")
        return TrialState("trained")
    if failure := store.attempts.open_failure(key, "train"):
        return TrialState("failed", f"training failed: {failure.reason}", "train")
    return TrialState("running" if key in running else "pending")
