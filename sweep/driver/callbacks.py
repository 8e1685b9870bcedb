"""A user's Ray Tune callbacks: what they see of a trial, and what happens when one raises.

Tune knows a trial by its key alone, since the store holds the rest. A tracker (W&B, MLflow, TensorBoard) reads `trial.config`,
so the trials that Tune generates get all fields there. Losses come with each epoch's result (trainable.py); scores
are no event of Tune's, so a callback may define `on_scored(trial, scores)`.

A sweep of days must not end because a tracker cannot be reached: a callback that raises is named once and gets no more
events. One that raises in `setup`, before anything trains, ends the launch: a wrong address or a missing login is not
noticed later otherwise.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ray.tune import Callback
from ray.tune.search import BasicVariantGenerator

from aesweep.cluster.scoped import replaced
from aesweep.evaluation.rows import ScoreRow
from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError


class TrialGenerator(BasicVariantGenerator):
    """The generator that Tune would make itself, for trials whose configuration holds all fields beside the key."""

    def __init__(self, configs: Mapping[str, TrialConfig]) -> None:
        super().__init__()
        self._configs = configs

    def next_trial(self) -> Any:
        """Tune's next trial; None while `max_concurrent` of them wait or run."""
        trial = super().next_trial()
        if trial is not None:
            fields = plain_fields(self._configs[trial.config["key"]])
            trial.config.update(fields)  # in place: Tune keeps a second reference
            trial.evaluated_params = fields  # TensorBoard's table of hyperparameters
        return trial


def plain_fields(config: TrialConfig) -> dict[str, Any]:
    """The fields of a trial as plain values: a list where the configuration has a tuple."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in config.to_json().items()}


class GuardedCallback(Callback):
    """Hands Tune's events to a callback until that raises; `say` prints a line to whoever watches.

    What the callback writes into a trial's local folder goes to `folder`, which Tune does not remove.
    """

    def __init__(self, callback: Callback, say: Callable[[str], None], folder: Path | None = None) -> None:
        self._callback: Callback | None = callback
        self._say = say
        self._folder = folder
        self._name = type(callback).__name__

    def __getstate__(self) -> dict[str, object]:
        """Empty: Tune pickles its callbacks for a `Tuner.restore` that never happens here."""
        return {}

    def setup(self, *words: Any, **info: Any) -> None:
        """Raises `InputError` for a callback that cannot start."""
        if self._callback is None:
            return
        try:
            self._callback.setup(*words, **info)
        except Exception as error:
            raise InputError("callbacks", self._name, f"Its setup raised {type(error).__name__}: {error}") from error

    def scored(self, trial: TrialConfig, scores: Sequence[ScoreRow]) -> None:
        """An evaluation of a trial was committed: call the callback's `on_scored(trial, scores)`, if it defines that."""
        if hasattr(self._callback, "on_scored"):
            self.hand_over("on_scored", trial, scores)

    def hand_over(self, event: str, *words: Any, **info: Any) -> None:
        """Call the callback's method for an event, if the callback still gets any."""
        if self._callback is None:
            return
        try:
            with self._kept(info.get("trial")):
                getattr(self._callback, event)(*words, **info)
        except Exception as error:
            self._callback = None
            self._say(
                f"callback {self._name} raised {type(error).__name__} in {event}: {error}; it gets no more events, "
                "and the sweep continues"
            )

    @contextmanager
    def _kept(self, trial: Any) -> Iterator[None]:
        """Inside the `with` block the local folder of a trial is one that is kept."""
        if trial is None or self._folder is None:
            yield
            return
        if not self._folder.is_dir():  # the store was moved or unmounted: nothing is made in its old place
            raise FileNotFoundError(f"{self._folder} is gone")
        with replaced(trial, "storage", KeptFiles(trial.storage, self._folder / str(trial))):
            yield


class KeptFiles:
    """Where Tune keeps a trial's files, except for what callbacks write."""

    def __init__(self, storage: Any, folder: Path) -> None:
        self._storage = storage
        self._folder = folder

    @property
    def trial_driver_staging_path(self) -> str:
        """The folder of the trial, which exists once a callback has asked for it: W&B starts a process there."""
        self._folder.mkdir(exist_ok=True)
        return str(self._folder)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._storage, name)


def _forwarded(event: str) -> Callable[..., None]:
    def forward(self: GuardedCallback, *words: Any, **info: Any) -> None:
        self.hand_over(event, *words, **info)

    return forward


for _event in [name for name in dir(Callback) if name.startswith("on_")]:
    setattr(GuardedCallback, _event, _forwarded(_event))
