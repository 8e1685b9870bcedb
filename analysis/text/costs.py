"""What more training seeds would cost, from what the trainings of a store took, and the command that trains them."""

import pandas as pd

from aesweep.analysis.data.ranking import NETWORK
from aesweep.analysis.data.tables import Tables


def more_seeds(tables: Tables, trials: pd.DataFrame, has: int, wanted: int, spec: str) -> tuple[str, str]:
    """What it takes to train `wanted` seeds of every network of these trials, in words, and the command.

    The hours are those of training alone, as long as the trainings here took on average for each network.
    """
    by_network = trials.groupby(NETWORK, observed=True)
    missing = (wanted - by_network["seed"].nunique()).clip(lower=0)
    count = int(missing.sum())
    unit = "GPU" if trials["gpu_seconds"].gt(0).any() else "CPU"
    seconds = trials["gpu_seconds"] if unit == "GPU" else trials["train_seconds"] * trials["threads"]
    each = seconds.groupby([trials[name] for name in NETWORK], observed=True).mean()
    hours = float((each * missing).sum(skipna=False)) / 3600
    cost = f", about {hours:.2g} {unit}-hours of training" if hours == hours else ""
    words = f"That is {count:,} more trials{cost}. Repeat your launch command with more seeds:"
    first = int(trials["seed"].min())
    last = max(int(trials["seed"].max()), first + wanted - 1)
    return words, f"aesweep launch {spec} --store {tables.quoted} --set seeds={first}..{last}"
