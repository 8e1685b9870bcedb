"""What `aesweep plan` prints: trials by block, what is left to do, and what that costs."""

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from aesweep.evaluation.volume import checkpoint_bytes
from aesweep.models.config import network_of
from aesweep.models.cost import fit_core_hours
from aesweep.sweep.console import make_console
from aesweep.sweep.driver.costs import describe_cpu_hours, describe_price
from aesweep.sweep.driver.plan import Plan, count_trials
from aesweep.sweep.driver.progress import describe_bytes, describe_counts
from aesweep.sweep.driver.short_schedules import short_schedules
from aesweep.sweep.spec.sweep_spec import SweepSpec


def print_plan(spec: SweepSpec, made: Plan, about: Sequence[str], price: float | None = None) -> None:
    """Print a plan; `about` are lines on what it is made of, `price` is that of an hour of one H200."""
    console = make_console(highlight=False)
    console.print(Text(f"{spec.name}: {count_trials(len(made.trials))}", "table.title"), soft_wrap=True)
    console.print(_blocks(made))
    for line in (*about, *short_schedules(made.to_train)):
        console.print(line, markup=False, soft_wrap=True)
    console.print()
    from aesweep.sweep.commands.seeds import describe_seeds  # scipy from here on

    for line in (*_work(made), *_cost(spec, made, price), *describe_seeds(made.trials)):
        console.print(line, markup=False, soft_wrap=True)
    if made.is_done:
        console.print("Nothing to do.")


def _blocks(made: Plan) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("block", "trials", "state", "GPU-hours", "disk"):
        table.add_column(heading, justify="left" if heading in ("block", "state") else "right")
    for block in dict.fromkeys(t.block for t in made.trials):
        trials = [t for t in made.trials if t.block == block]
        counts = Plan(tuple(trials), made.evaluation, False).counts()
        hours, size = sum(t.gpu_hours for t in trials), sum(t.disk_bytes for t in trials)
        table.add_row(Text(block), str(len(trials)), describe_counts(counts), f"{hours:.3g}", describe_bytes(size))
    return table


def _work(made: Plan) -> list[str]:
    """What a launch would do."""
    left, evaluation = made.to_train, made.evaluation
    scored = [*left, *made.to_score]
    lines = [
        f"To train: {count_trials(len(left))}, {sum(t.gpu_hours for t in left):.3g} hours of one H200 (see docs/operations.md).",
        f"To score: {count_trials(len(scored))} with {evaluation.extractor} (evaluation {evaluation.name}), "
        f"{sum(t.images_scored for t in scored):,} images.",
    ]
    if fits := sum(fit_core_hours(t.fit_flops) for t in scored):
        sizes = {evaluation.gmm_components} if "gmm" in evaluation.priors else set()
        sizes |= set(evaluation.mixture_sizes) if "mixtures" in evaluation.metrics else set()
        mixtures = f"mixtures of {', '.join(map(str, sorted(sizes)))} components"
        lines.append(f"To fit: {mixtures}, about {fits:.3g} core-hours (a hundredth of that on a GPU).")
    return lines


def _cost(spec: SweepSpec, made: Plan, price: float | None) -> list[str]:
    """Price of training on one H200, hours on this machine without a GPU, and room in the store."""
    lines = []
    if price is not None:
        lines.append(f"{describe_price(sum(t.gpu_hours for t in made.to_train), price)} Scoring is not counted.")
    if not made.is_done:
        lines.append(f"Training and scoring take {describe_cpu_hours(made, spec.execution.threads)}.")
    disk = describe_bytes(sum(t.disk_bytes for t in made.trials) + made.shared_bytes)
    shared = f", {describe_bytes(made.shared_bytes)} of it for features of the real images" * bool(made.shared_bytes)
    lines.append(f"Disk: about {disk} in the store{shared}.")
    if networks := {network_of(t.config): t.config for t in made.to_train}:
        most = describe_bytes(max(map(checkpoint_bytes, networks.values())))
        lines[-1] += f" While it trains, and if it fails, a trial also keeps a checkpoint of up to {most}."
    return lines
