"""What a plan costs in words: hours on this machine without a GPU, and what another evaluation adds to a store."""

from dataclasses import fields

from aesweep.cluster.capacity import allowed_cpus
from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.cost import evaluation_seconds
from aesweep.sweep.driver.plan import Plan, PlannedTrial, count_trials
from aesweep.sweep.driver.progress import describe_bytes, describe_length


def cpu_machine_hours(made: Plan, threads: int, cpus: int) -> float:
    """Hours of training and scoring on a machine with so many CPUs: all of them busy, or one trial after its training alone."""
    training = {trial.config.key: trial.cpu_hours for trial in made.to_train}

    def core_hours(trial: PlannedTrial) -> float:
        scoring = evaluation_seconds(trial.fit_flops, False, trial.images_scored, made.evaluation.extractor) / 3600
        return training.get(trial.config.key, 0.0) + scoring

    works = [core_hours(trial) for trial in [*made.to_train, *made.to_score]]
    return max(sum(works) / cpus, max(works, default=0.0) / min(threads, cpus))


def describe_cpu_hours(made: Plan, threads: int) -> str:
    """Such as `about 1.5 hours on this machine's 2 CPUs without a GPU`; below an hour, in minutes or seconds."""
    cpus = allowed_cpus()
    hours = cpu_machine_hours(made, threads, cpus)
    about = (
        f"{hours:,.0f} hours" if hours >= 10 else f"{hours:.2g} hours" if hours >= 1 else describe_length(3600 * hours)
    )
    return f"about {about} on this machine's {cpus} CPU{'s' * (cpus != 1)} without a GPU"


def describe_price(hours: float, price: float) -> str:
    """Such as `Price: 1,840, for 736 GPU-hours at 2.5.`; small amounts keep three digits."""
    total = hours * price
    return f"Price: {f'{total:,.0f}' if total >= 100 else f'{total:.3g}'}, for {hours:,.3g} GPU-hours at {price:g}."


def describe_addition(made: Plan, before: EvaluationConfig, threads: int) -> list[str]:
    """Lines on what an evaluation adds; `before` is that of the store's latest spec."""
    trials, asked = made.to_score, made.evaluation
    images = sum(trial.images_scored for trial in trials)
    size = describe_bytes(sum(trial.evaluation_bytes for trial in trials) + made.shared_bytes)
    count = count_trials(len(trials))
    changes = ", ".join(_changes(before, asked)) or "nothing: it is the same"
    return [
        f"Adds evaluation {asked.id} to {count}: {', '.join(asked.metrics)} with {asked.extractor}.",
        f"Differs from the latest launch in: {changes}.",
        f"Measures {images:,} images: {describe_cpu_hours(made, threads)}, and about {size} in the store; "
        "less where an earlier evaluation has the same latents, priors or pictures, which are shared.",
    ]


def _changes(before: EvaluationConfig, asked: EvaluationConfig) -> list[str]:
    """Such as `seeds 0, 1, 2 (was 0)`."""
    names = [field.name for field in fields(asked) if field.name not in ("extractor_sha256", "plugin_versions")]
    values = {name: (getattr(before, name), getattr(asked, name)) for name in names}
    return [f"{name} {_words(new)} (was {_words(old)})" for name, (old, new) in values.items() if old != new]


def _words(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, tuple) else str(value)
