"""Commands that the report suggests, for the trials that they are to work on.

`resume` and `evaluate` work on the trials of the latest spec; with --all on those of every spec in the store. Tables of aesweep
0.1 do not say which trials those are (`latest` is null); all count as the latest spec's there.
"""

import numpy as np
import pandas as pd


def resume(store: str, trials: pd.DataFrame, *options: str) -> str:
    """The command that resumes these rows of the trials table. `store` is its address as a shell takes it."""
    return " ".join(["aesweep resume", store, *_every(trials), *options])


def evaluate(store: str, trials: pd.DataFrame, *options: str) -> str:
    """The command that scores these trials; `options` say how."""
    return " ".join(["aesweep evaluate", store, *_every(trials), *options])


def every_spec(trials: pd.DataFrame) -> pd.Series:
    """What a command needs after the store to work on each of these trials: "" or " --all"."""
    return pd.Series(np.where(trials["latest"].ne(False), "", " --all"), index=trials.index, dtype="str")


def _every(trials: pd.DataFrame) -> list[str]:
    return [] if trials["latest"].ne(False).all() else ["--all"]
