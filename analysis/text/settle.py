"""What would decide the open questions: more seeds or more settings, the command that trains them, and its cost."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import pandas as pd

from aesweep.analysis.axes.comparison import Comparison
from aesweep.analysis.axes.sweep import Sweep
from aesweep.analysis.commands import resume
from aesweep.analysis.data.ranking import NETWORK
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.text.better import plural, start
from aesweep.analysis.text.text_tables import counted

SEEDS_AT_LEAST = 3
"""Seeds to train where there is one: the spread of two says little."""
MOST_SIZES = 16
"""Up to this many latent sizes or widths are suggested one by one; beyond that, only their number is given."""
NOT_DONE = ("running", "trained", "pending")
"""States of trials that the sweep will still train or score."""
SMALLEST_GAP = 1.3
"""If two neighbouring sizes differ by at least this factor, one between them is suggested."""


class Plan(NamedTuple):
    """More trials that would settle something."""

    trials: int
    words: str
    command: str


def what_would_settle(tables: Tables, sweep: Sweep, compared: Sequence[Comparison]) -> tuple[str, str]:
    """What is open and how to decide it, with the cost of the way that needs fewest trials; and its command, "" if there is none."""
    planned = _scored_or_planned(tables, sweep)
    if not sweep.ranking.known:
        text = f"With {SEEDS_AT_LEAST} training seeds per network, every number above has an error."
        return _with_plan(text, [more_seeds(tables, planned, SEEDS_AT_LEAST)])
    said, plans, counts = [], [], []
    for one in (one for one in compared if not one.is_decided):
        words, seeds, settings = _open(one)
        said.append(words)
        counts += [seeds, settings]
        plans += [more_seeds(tables, planned, seeds)] if seeds else []
        plans += filter(None, [more_settings(tables, planned, sweep.trials, one, settings)] if settings else [])
    is_said = bool(said) and len(sweep.layout.axes.every) == 1  # the two lowest networks are its two best values
    if sweep.ranking.as_good and not is_said:
        needed = sweep.ranking.seeds_to_tell_the_next()
        plans += [more_seeds(tables, planned, needed)] if needed else []
        counts.append(needed or 0)
        which = (
            "The two lowest networks"
            if sweep.ranking.as_good[0] == 1
            else "The lowest network and the next that may be as good"
        )
        said.append(
            f"{which}: about {needed} seeds."
            if needed
            else f"{which}: more seeds will hardly separate them. Choose either."
        )
    said += ["These numbers hold if the differences are as large as they seem."] if any(counts) else []
    return _with_plan(" ".join(said) or "Nothing is open.", plans)


def _scored_or_planned(tables: Tables, sweep: Sweep) -> pd.DataFrame:
    """The scored trials of a sweep, and those of its latest spec that are not finished: it runs them anyway.

    Also those on other data sets, since a command that extends the sweep extends it there too. A failed trial is not among
    them, since training it again costs as much as training a new one.
    """
    described = tables.described
    latest = described["latest"].ne(False)
    own = described["key"].isin(sweep.trials["key"])
    planned = described["state"].isin(NOT_DONE) & latest & (described["data"] == sweep.data)
    reached = latest | bool((own & ~latest).any())  # with --all a command works on every spec
    others = (described["data"] != sweep.data) & (described["state"] != "failed") & reached
    found: pd.DataFrame = described[planned | own | others]
    return found


def more_seeds(tables: Tables, trials: pd.DataFrame, wanted: int) -> Plan:
    """Training `wanted` seeds of every network of these trials, the same ones, as far as it lacks them."""
    network = trials.groupby(["data", *NETWORK], observed=True).ngroup()
    asked = _seeds(trials, network, wanted)
    missing = wanted - trials["seed"].where(trials["seed"].isin(asked)).groupby(network).nunique()
    seconds = _seconds(trials)
    each = seconds.groupby(network).mean().fillna(seconds.mean())
    cost = _cost(trials, int(missing.sum()), float((each * missing).sum(skipna=False)))
    is_range = asked == list(range(asked[0], asked[0] + wanted))
    words = f"{asked[0]}..{asked[-1]}" if is_range else ",".join(map(str, asked))
    return Plan(
        int(missing.sum()),
        f"Training {wanted} seeds of each network{_everywhere(trials)} takes {cost}:",
        resume(tables.quoted, trials, f"--set seeds={words}"),
    )


def _seeds(trials: pd.DataFrame, network: pd.Series, wanted: int) -> list[int]:
    """Which seeds to train of every network, ascending: those that most of them have, then new ones from the smallest up."""
    networks = network.groupby(trials["seed"].astype(int)).nunique()
    held: dict[int, int] = dict(zip(networks.index.tolist(), networks.tolist(), strict=True))
    usual = sorted(held, key=lambda seed: (-held[seed], seed))
    new = (seed for seed in range(min(held), min(held) + len(held) + wanted) if seed not in held)
    return sorted([*usual, *new][:wanted])


def more_settings(
    tables: Tables, trials: pd.DataFrame, scored: pd.DataFrame, found: Comparison, wanted: int
) -> Plan | None:
    """Training further latent sizes (or widths, if sizes are compared) until there are `wanted` settings.

    None if there would be more than `MOST_SIZES` of them, or if the planned trials already have enough. New trials are
    assumed to cost as much as the existing ones.
    """
    field = "filters" if found.axis.name == "latent_size" else "latent_size"
    has = sorted({int(value) for value in trials[field]})
    count = math.ceil(scored[field].nunique() * wanted / found.settings)
    if not len(has) < count <= MOST_SIZES:
        return None
    values = _extended(has, count)
    more = round(len(trials) / len(has) * (len(values) - len(has)))
    cost = _cost(trials, more, more * float(_seconds(trials).mean()))
    new = counted(len(values) - len(has), f"more {'width' if field == 'filters' else 'latent size'}")
    words = f"Training {new}{_everywhere(trials)} takes {cost}:"
    return Plan(more, words, resume(tables.quoted, trials, f"--set {field}={','.join(map(str, values))}"))


def _everywhere(trials: pd.DataFrame) -> str:
    """That a command works on several data sets; "" for one."""
    return " on all data sets" if trials["data"].nunique() > 1 else ""


def _with_plan(text: str, plans: Sequence[Plan]) -> tuple[str, str]:
    """The text with the words of the plan of fewest trials, and its command."""
    plan = min((plan for plan in plans if plan.trials), key=lambda plan: plan.trials, default=None)
    return (f"{text} {plan.words}", plan.command) if plan else (text, "")


def _extended(has: list[int], count: int) -> list[int]:
    """`count` sizes: the existing ones, others in the widest gaps between them, then larger ones."""
    values = list(has)
    while len(values) < count:
        gaps = [(high / low, round(math.sqrt(low * high)), low, high) for low, high in pairwise(values)]
        ratio, middle, low, high = max(gaps, default=(1.0, 0, 0, 0))
        values.append(middle if ratio >= SMALLEST_GAP and low < middle < high else 2 * values[-1])
        values.sort()
    return values


def _seconds(trials: pd.DataFrame) -> pd.Series:
    """Seconds of GPU, or of a CPU's thread, that each training took."""
    on_gpu = trials["gpu_seconds"].gt(0).any()
    seconds: pd.Series = trials["gpu_seconds"] if on_gpu else trials["train_seconds"] * trials["threads"]
    return seconds


def _cost(trials: pd.DataFrame, count: int, seconds: float) -> str:
    unit = "GPU" if trials["gpu_seconds"].gt(0).any() else "CPU"
    about = f", about {_length(seconds, unit)} of training" if seconds == seconds else ""
    return f"{counted(count, 'more trial')}{about}"


def _length(seconds: float, unit: str) -> str:
    """Such as `1.5 GPU-hours`, `8.2 CPU-minutes`, `40 CPU-seconds`: a small part of an hour says little."""
    if seconds >= 3600:
        return f"{seconds / 3600:.2g} {unit}-hours"
    return f"{seconds / 60:.2g} {unit}-minutes" if seconds >= 60 else f"{seconds:.2g} {unit}-seconds"


def _open(found: Comparison) -> tuple[str, int, int]:
    """What would separate the two best values of a field; the seeds and the settings that it takes, 0 for no number."""
    first, second = found.best, found.rival
    names = f"{start(found.axis, plural(found.axis, first))} or {plural(found.axis, second)}"
    difference = found.difference(first, second)
    if math.isnan(difference.estimate.half_width):  # one seed each: unknown, which is not too small
        return f"{names}: at least {SEEDS_AT_LEAST} seeds, because one shows no error.", SEEDS_AT_LEAST, 0
    seeds, settings = difference.seeds_needed(), difference.settings_needed()
    ways = [f"about {seeds} seeds"] if seeds else []
    ways += [f"about {settings:,} settings like these{_such_as(found)}"] if settings else []
    if not ways:
        too_small = (
            "their difference is too small to be found with a sensible number of seeds or settings. Choose either."
        )
        return f"{names}: {too_small}", 0, 0
    return f"{names}: {' or '.join(ways)}.", seeds or 0, settings or 0


def _such_as(found: Comparison) -> str:
    """What to vary for more settings: any field except the one that is compared."""
    sizes: dict[str, str] = {"latent_size": "more filters", "filters": "more latent sizes"}
    return f" ({sizes.get(found.axis.name, 'more latent sizes or filters')})"
