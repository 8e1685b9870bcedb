"""Which spec asks for a trial, what its state is, and whether its rows are made from what is there now."""

from typing import Any

from aesweep.models.identity import content_hash
from aesweep.sweep.store.drivers import drivers, running_trials
from aesweep.sweep.store.layout import epochs_name
from aesweep.sweep.store.store import Store

FOLDERS = ("", "/attempts", "/scores", "/failures")  # of a trial, whose files its rows are made from


class SpecIndex:
    """Which spec asks for a trial, and so what its state is."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.drivers = drivers(store)
        self.running = running_trials(driver for driver in self.drivers if driver.alive)
        self.evaluation = store.trials.latest_evaluation()
        self.labels = dict(sorted(store.trials.data_labels().items()))
        self.name = "none"
        self.asked: dict[str, tuple[str, str]] = {}
        self.latest: set[str] = set()
        for spec in store.trials.specs():  # the latest comes last and wins
            self.name, self.latest = spec.name, set(spec.keys)
            for key, block in spec.keys.items():
                self.asked[key] = (spec.name, block)

    def evaluation_of(self, key: str) -> str:
        """The evaluation that decides whether a trial is done."""
        if self.evaluation and key in self.latest:
            return self.evaluation
        # A trial that the latest spec does not ask for is done with any evaluation, the last one by name here; so are all
        # where the store does not say which spec is the latest.
        scored = self.store.commits.scored(key)
        return scored[-1] if scored else self.evaluation

    def describe(self, key: str) -> dict[str, Any]:
        """Sweep, block, state and evaluation of a trial, and whether the latest spec asks for it, as `trial_rows` takes them."""
        sweep, block = self.asked.get(key, ("none", "none"))
        evaluation = self.evaluation_of(key)
        state = self.store.state(key, evaluation, self.running).state
        latest = key in self.latest
        return {"sweep": sweep, "block": block, "state": state, "evaluation": evaluation, "latest": latest}

    def signature(self, key: str) -> str:
        """A hash of the names of everything that a trial's rows are made from.

        A commit never changes. One that was set aside and made again has the name of the first: what was set aside has a
        name of its own, and so has the attempt that made it again.
        """
        about = self.describe(key)  # sets damaged commits aside
        names: dict[str, Any] = {folder: self.store.storage.names(f"trials/{key}{folder}") for folder in FOLDERS}
        names |= {"epochs": [version]} if (version := self._epochs_version(key)) else {}
        names |= {"labels": list(self.labels.items())} if self.labels else {}
        return content_hash({**about, **names})

    def _epochs_version(self, key: str) -> str | None:
        """Changes with the epochs of an unfinished training; None without them."""
        return None if self.store.commits.has_training(key) else self.store.storage.version(epochs_name(key))
