"""What the seeds of a plan can show, and what one more of each network would cost and show."""

from collections.abc import Sequence

from aesweep.analysis.power import POWER, detectable_difference
from aesweep.models.config import network_of
from aesweep.sweep.driver.plan import PlannedTrial, count_trials


def describe_seeds(trials: Sequence[PlannedTrial]) -> list[str]:
    """Lines for a plan: the power of its seeds, the cost and power of the next one, and when there is a first look."""
    networks: dict[object, list[PlannedTrial]] = {}
    for trial in trials:
        networks.setdefault(network_of(trial.config), []).append(trial)
    counts = [len(same) for same in networks.values()]
    fewest, most = min(counts), max(counts)
    count = f"{fewest}" if fewest == most else f"{fewest} to {most}"
    hours = sum(same[0].gpu_hours for same in networks.values())
    one_more = f"One more of each network{_option(trials, len(networks))}: {count_trials(len(networks))}"
    lines = [
        f"Seeds: {count} per network. {_shows(fewest)}",
        f"{one_more}, {hours:.3g} GPU-hours. {_shows(fewest + 1)}",
    ]
    if fewest > 1:
        first = [trial for trial in trials if trial.round == 0]
        lines.append(
            f"First seeds are trained first: after {count_trials(len(first))} and {sum(t.gpu_hours for t in first):.3g} GPU-hours "
            "the report shows every network once, which decides nothing yet."
        )
    return lines


def _shows(seeds: int) -> str:
    if seeds < 2:
        return "One seed decides no comparison of scores."
    return (
        f"In {POWER:.0%} of cases, {seeds} seeds tell two networks apart whose expected scores differ by "
        f"{detectable_difference(seeds):.1f} standard deviations over seeds."
    )


def _option(trials: Sequence[PlannedTrial], networks: int) -> str:
    """The override that asks for one more, where all networks have the same seeds in a row."""
    seeds = sorted({trial.config.seed for trial in trials})
    if len(trials) != networks * len(seeds) or seeds[-1] - seeds[0] + 1 != len(seeds):
        return ""
    return f" (--set seeds={seeds[0]}..{seeds[-1] + 1})"
