"""The state of a trial: pending, running, trained, done or failed, as the store's records say."""

from collections.abc import Collection, Sequence
from typing import Literal

from aesweep.sweep.store.drivers import living_drivers, running_trials
from aesweep.sweep.store.store import Stage, Store

State = Literal["pending", "running", "trained", "done", "failed"]
STATES: tuple[State, ...] = ("pending", "running", "trained", "done", "failed")


def trial_states(store: Store, keys: Sequence[str], evaluation: str) -> dict[str, tuple[State, str, Stage | None]]:
    """State, reason and failed stage of many trials, from one listing of the store."""
    listed, running = store.snapshot(), running_trials(living_drivers(store))
    found = listed.storage.map(lambda key: _state_and_stage(listed, key, evaluation, running), keys)
    return dict(zip(keys, found, strict=True))


def trial_state(store: Store, key: str, evaluation: str, running: Collection[str]) -> tuple[State, str]:
    """State of a trial and, for a failed one, the reason. `running` are the keys that a driver trains now."""
    return _state_and_stage(store, key, evaluation, running)[:2]


def _state_and_stage(
    store: Store, key: str, evaluation: str, running: Collection[str]
) -> tuple[State, str, Stage | None]:
    if store.commits.has_training(key):
        if store.commits.has_scores(key, evaluation):
            return "done", "", None
        failure = store.attempts.open_failure(key, "evaluate", evaluation)
        return ("failed", f"evaluation failed: {failure.reason}", "evaluate") if failure else ("trained", "", None)
    failure = store.attempts.open_failure(key, "train")
    if failure:
        return "failed", f"training failed: {failure.reason}", "train"
    return ("running" if key in running else "pending"), "", None
