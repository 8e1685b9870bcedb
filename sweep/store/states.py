"""The state of a trial: pending, running, trained, done or failed, as the store's records say."""

from collections.abc import Sequence
from typing import Any, Literal

from aesweep.sweep.store.drivers import running_trials
from aesweep.sweep.store.store import Stage, Store

State = Literal["pending", "running", "trained", "done", "failed"]


STATES: tuple[State, ...] = ("pending", "running", "trained", "done", "failed")


def trial_states(store: Store, keys: Sequence[str], evaluation: str) -> dict[str, tuple[State, str, Stage | None]]:
    """State, reason and failed stage of many trials, from one listing of the store."""
    listed, running = store.listed(), running_trials(store)
    found = listed.storage.map(lambda key: _state_and_stage(listed, key, evaluation, running), keys)
    return dict(zip(keys, found, strict=True))


def trial_state(store: Store, key: str, evaluation: str, running: dict[str, Any]) -> tuple[State, str]:
    """State of a trial and, for a failed one, the reason."""
    return _state_and_stage(store, key, evaluation, running)[:2]


def _state_and_stage(
    store: Store, key: str, evaluation: str, running: dict[str, Any]
) -> tuple[State, str, Stage | None]:
    if store.has_training(key):
        if store.has_scores(key, evaluation):
            return "done", "", None
        failure = store.open_failure(key, "evaluate", evaluation)
        return ("failed", f"evaluation failed: {_reason(failure)}", "evaluate") if failure else ("trained", "", None)
    failure = store.open_failure(key, "train")
    if failure:
        return "failed", f"training failed: {_reason(failure)}", "train"
    return ("running" if key in running else "pending"), "", None


def _reason(failure: dict[str, Any]) -> str:
    return f"{failure['type']}: {failure['message']}"
