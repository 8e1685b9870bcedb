"""Warns of trainings whose learning rate drops before anything can have been learnt.

The schedule is given in fractions of the epochs, so with few epochs, few images or large batches only some dozen steps are left
at its highest rate; what follows at a tenth of it changes little. The trial ends as "learnt nothing", hours later.
"""

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from operator import attrgetter

from aesweep.models.config import TrialConfig
from aesweep.models.training.schedule import full_rate_steps
from aesweep.sweep.driver.plan import PlannedTrial

FEWEST_STEPS = 100
"""Steps at the highest rate below which a training is named. At 0.001, networks of 8 and 16 filters on digits (DAE and VAE, batches of
32 and 128) reconstruct worse than the mean image does after 47 steps, and better after 94."""
MOST_EPOCHS = 10_000
_schedule = attrgetter(
    "epochs", "batch_size", "learning_rates", "learning_rate_drops", "warmup_epochs", "warmup_learning_rate"
)


def short_schedules(trials: Sequence[PlannedTrial]) -> list[str]:
    """A line on those of the trials whose schedule is too short, with what helps; none if there are none."""
    alike: dict[object, list[PlannedTrial]] = defaultdict(list)  # a large sweep has few schedules
    for trial in trials:
        alike[_schedule(trial.config), trial.images_train].append(trial)
    steps = {place: full_rate_steps(same[0].config, same[0].images_train) for place, same in alike.items()}
    short = {place: count for place, count in steps.items() if count is not None and count < FEWEST_STEPS}
    if not short:
        return []
    place = min(short, key=lambda one: short[one])
    worst, images = alike[place][0].config, alike[place][0].images_train
    named = sum(len(alike[one]) for one in short)
    which = "The trial" if len(trials) == 1 else f"{named:,} of {len(trials):,} trials"
    steps_each = math.ceil(images / worst.batch_size)
    long = f"{worst.epochs} epoch{'s' * (worst.epochs != 1)} of {steps_each} step{'s' * (steps_each != 1)}"
    few = f"only {short[place]} {'is' if short[place] == 1 else 'are'}" if short[place] else "none is"
    return [
        f"Schedule: {which} may learn nothing: in {long}, {few} at the full learning rate "
        f"{max(worst.learning_rates):g}; {FEWEST_STEPS} are few. {_remedy(worst, images)}"
    ]


def _remedy(config: TrialConfig, images: int) -> str:
    one_rate = f"keep one rate: --set learning_rates={max(config.learning_rates):g} --set 'learning_rate_drops=[]'"
    enough = _enough_epochs(config, images)
    return f"Train longer (--set epochs={enough}), or {one_rate}." if enough else f"{one_rate.capitalize()}."


def _enough_epochs(config: TrialConfig, images: int) -> int | None:
    """The fewest epochs that give `FEWEST_STEPS`; None for none that is reasonable."""

    def suffices(epochs: int) -> bool:
        steps = full_rate_steps(replace(config, epochs=epochs), images)
        return steps is None or steps >= FEWEST_STEPS

    longer = range(config.epochs + 1, MOST_EPOCHS)
    place = bisect_left(longer, True, key=suffices)
    return longer[place] if place < len(longer) else None
