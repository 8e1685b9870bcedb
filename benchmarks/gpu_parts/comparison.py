"""Changes of the training step against today's step, in turns: how much faster each is, and whether it trains the same."""

import statistics
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import torch
from torch._dynamo import config as dynamo

from aesweep.models.config import TrialConfig
from aesweep.models.training import step_graph
from aesweep.models.training.trainer import Trainer
from gpu_parts.changes import CHANGES
from gpu_parts.loops import WARM, noise, run_steps, seconds, trial, warm_trainer
from gpu_parts.profiling import kernels_of_a_step

TODAY = "today"
PROFILED = 3
"""Steps whose kernels are counted."""
_KEPT: list[torch.cuda.CUDAGraph] = []  # broken recordings: torch may still hold their addresses


class PartlyFailedError(Exception):
    """Some changes could not be measured; the text is the section with what could."""


def section(device: torch.device, widths: list[int], rounds: int, steps: int, images: int) -> str:
    """Markdown: a table for each width. Raises `PartlyFailedError` with it where a change failed."""
    parts = ["## Changes of the training step", ""]
    parts += [
        f"Median of {rounds} rounds of {steps} steps, in which all take turns, with the smallest and the largest ratio of a round. "
        "`expected` was written down before (benchmarks/gpu_parts/changes.py). `loss` is that of the last of the first "
        f"{WARM} steps from the same weights, of which the first row was also trained in fp32.",
    ]
    failures: list[str] = []
    # Every change and width compiles the same few lines of torch for other modules.
    with dynamo.patch(recompile_limit=1000, accumulated_recompile_limit=10_000):
        for filters in widths:
            config = trial(filters)
            train = noise(config, device, images // config.batch_size * config.batch_size)  # no short batch
            trainers = dict(_trainers(config, device, train, failures))
            parts += ["", f"### {filters} filters", "", *_table(config, trainers, rounds, steps, _fp32(config, train))]
            del trainers
    if failures:
        raise PartlyFailedError("\n".join([*parts, "", *failures]))
    return "\n".join(parts)


def _trainers(
    config: TrialConfig, device: torch.device, train: torch.Tensor, failures: list[str]
) -> Iterator[tuple[str, Trainer]]:
    """Today's trainer, and one for each change that works; the traces of the others go to `failures`."""
    yield TODAY, warm_trainer(config, device, train)
    for change in CHANGES:
        try:
            yield change.name, warm_trainer(config, device, train, change.apply)
        except Exception:
            failures.append(f"{change.name}, {config.filters} filters, failed:\n\n```\n{traceback.format_exc()}```\n")
        if step_graph._failed:  # after which the process would record nothing more
            failures.append(
                f"{change.name}, {config.filters} filters: the step could not be recorded; the log says why.\n"
            )
            _KEPT.extend(step_graph._failed)
            step_graph._failed.clear()
        print(f"{config.filters} filters: {change.name} tried", flush=True)


def _fp32(config: TrialConfig, train: torch.Tensor) -> float:
    """The loss of the same steps in fp32."""
    return loss_of(warm_trainer(replace(config, precision="fp32"), train.device, train))


def loss_of(trainer: Trainer) -> float:
    """The loss of step number `WARM`, in a trainer that is still in its first epoch."""
    return trainer._losses[WARM - 1, 0].item()


def _table(
    config: TrialConfig, trainers: Mapping[str, Trainer], rounds: int, steps: int, in_fp32: float
) -> Iterator[str]:
    losses = {name: loss_of(trainer) for name, trainer in trainers.items()}
    times: dict[str, list[float]] = {name: [] for name in trainers}
    names = list(trainers)
    for turn in range(rounds):
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            times[name].append(seconds(partial(run_steps, trainers[name], steps)) / steps)
    yield "| step | µs | times as fast | expected | kernels | loss |"
    yield "|---|---|---|---|---|---|"
    expected = {change.name: change.expected.get(config.filters, "") for change in CHANGES}
    for name, trainer in trainers.items():
        ratios = [today / own for today, own in zip(times[TODAY], times[name], strict=True)]
        calls = sum(kernel.calls for kernel in kernels_of_a_step(trainer, PROFILED))
        loss = f"{losses[name]:.5f}" + (f" (fp32: {in_fp32:.5f})" if name == TODAY else "")
        yield (
            f"| {name}, {'replayed' if trainer.replaying else 'launched'} | {statistics.median(times[name]) * 1e6:.0f} | "
            f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f}) | {expected.get(name, '')} | "
            f"{calls:.0f} | {loss} |"
        )
