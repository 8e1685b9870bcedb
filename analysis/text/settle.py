"""What would settle what is open: more seeds or more settings, the command that trains them, and what they cost."""

from collections.abc import Sequence

import pandas as pd

from aesweep.analysis.axes.comparison import Comparison
from aesweep.analysis.axes.sweep import Sweep
from aesweep.analysis.data.ranking import NETWORK
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.text.better import plural, start

SEEDS_AT_LEAST = 3
"""Seeds to train where there is one: the spread of two says little."""


def what_would_settle(tables: Tables, sweep: Sweep, compared: Sequence[Comparison]) -> tuple[str, str]:
    """What is open and how to decide it, with the cost; and the command, "" for none."""
    text, seeds = _what_is_open(sweep, compared)
    if not seeds:
        return text, ""
    cost, command = more_seeds(tables, sweep.trials, sweep.ranking.seeds, seeds)
    return f"{text} {cost}", command


def more_seeds(tables: Tables, trials: pd.DataFrame, has: int, wanted: int) -> tuple[str, str]:
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
    words = f"To train {wanted} seeds of each network takes {count:,} more trial{'s' * (count != 1)}{cost}:"
    first = int(trials["seed"].min())
    last = max(int(trials["seed"].max()), first + wanted - 1)
    every = " --all" if tables.trials["sweep"].nunique() > 1 else ""
    return words, f"aesweep resume {tables.quoted}{every} --set seeds={first}..{last}"


def _what_is_open(sweep: Sweep, compared: Sequence[Comparison]) -> tuple[str, int]:
    """What is open and how to decide it; the seeds to train, 0 for no more."""
    ranking = sweep.ranking
    if not ranking.known:
        return f"{SEEDS_AT_LEAST} training seeds of each network give every number above its error.", SEEDS_AT_LEAST
    said, seeds = [], []
    for one in compared:
        if not one.is_decided:
            words, more = _open(one)
            said.append(words)
            seeds += [more] if more else []
    if ranking.as_good:
        needed = ranking.seeds_to_tell_the_next()
        seeds += [needed] if needed else []
        said.append(
            f"The two lowest networks: about {needed} seeds, if they differ as much as they seem to."
            if needed
            else "The two lowest networks: more seeds will hardly tell them apart. Take either."
        )
    return " ".join(said) or "Nothing is open.", min(seeds, default=0)


def _open(found: Comparison) -> tuple[str, int]:
    """How to tell the two best values of a field apart; the seeds for that, 0 for no number."""
    first, second = found.best, (*found.candidates, found.runner_up)[1]
    names = f"{start(found.axis, plural(found.axis, first))} or {plural(found.axis, second)}"
    difference = found.difference(first, second)
    more, settings = difference.seeds_needed(), difference.settings_needed()
    ways = [f"about {more} seeds"] if more else []
    ways += [f"about {settings:,} settings like these{_such_as(found)}"] if settings else []
    if not ways:
        return f"{names}: their difference is too small to be found with a sensible number of seeds or settings.", 0
    return f"{names}: {' or '.join(ways)}, if they differ as much as they seem to.", more or 0


def _such_as(found: Comparison) -> str:
    """What more settings are; a setting differs in any field but the one compared."""
    sizes: dict[str, str] = {"latent_size": "more filters", "filters": "more latent sizes"}
    return f" ({sizes.get(found.axis.name, 'more latent sizes or filters')})"
