"""Where a training step's time goes: kernels, idle share, the longest ones, and the share of groups of them."""

from collections import defaultdict
from typing import Any, NamedTuple

import torch
from torch.profiler import ProfilerActivity, profile

from aesweep.models.cost import STEP_FACTOR, flops_per_image
from aesweep.models.training.trainer import Trainer
from gpu_parts.loops import noise, run_steps, seconds, trial, warm_trainer

LONGEST = 15
GROUPS = {
    "normalisation": ("batch_norm", "batchnorm", "bn_fw", "bn_bw", "native_batch"),
    "convolutions": ("conv", "gemm", "xmma", "cutlass", "wgrad", "dgrad", "fprop", "implicit", "mkldnn", "nvjet"),
    "optimiser": ("adam", "multi_tensor", "foreach"),
    "elementwise, copies and casts": ("elementwise", "copy", "cast", "threshold", "relu", "add", "memcpy", "memset"),
    "sums": ("reduce", "sum", "mean"),
}
"""Group -> parts of kernels' names; the first that fits counts."""


class Kernel(NamedTuple):
    """All calls of one kernel in a step."""

    name: str
    calls: float
    microseconds: float


def section(device: torch.device, networks: list[tuple[int, int]], steps: int, images: int) -> str:
    """Markdown: one profile for each number of filters and image size."""
    return "\n\n".join(["## Profile of a step", *(_one(device, *network, steps, images) for network in networks)])


def _one(device: torch.device, filters: int, image_size: int, steps: int, images: int) -> str:
    config = trial(filters, image_size)
    trainer = warm_trainer(config, device, noise(config, device, images))
    undisturbed = seconds(lambda: run_steps(trainer, steps)) / steps * 1e6
    kernels = kernels_of_a_step(trainer, steps)
    busy = sum(kernel.microseconds for kernel in kernels)
    rate = STEP_FACTOR * flops_per_image(config) * config.batch_size / undisturbed / 1e6
    groups: dict[str, float] = defaultdict(float)
    for kernel in kernels:
        groups[_group(kernel.name)] += kernel.microseconds
    shares = ", ".join(f"{name} {part / busy:.0%}" for name, part in sorted(groups.items(), key=lambda g: -g[1]))
    rows = [
        f"| `{k.name[:90]}` | {k.calls:.1f} | {k.microseconds:.1f} | {k.microseconds / busy:.1%} |" for k in kernels
    ]
    return "\n".join(
        [
            f"### {filters} filters, {image_size} pixels, {steps} steps",
            "",
            f"{undisturbed:.0f} µs a step without the profiler, {'replayed' if trainer.replaying else 'launched'} "
            f"({config.batch_size / undisturbed * 1e6:,.0f} images/s, {rate:.1f} TFLOP/s); "
            f"{sum(k.calls for k in kernels):.0f} kernels, which take {busy:.0f} µs in sum "
            f"({max(1 - busy / undisturbed, 0):.0%} of the step is idle). Of the kernels' time: {shares}.",
            "",
            "| kernel | calls a step | µs a step | share |",
            "|---|---|---|---|",
            *rows[:LONGEST],
        ]
    )


def kernels_of_a_step(trainer: Trainer, steps: int) -> list[Kernel]:
    """Kernels on a GPU, operators on a CPU, of an average one of `steps` steps; the longest first."""
    activities = [ProfilerActivity.CUDA if trainer.device.type == "cuda" else ProfilerActivity.CPU]
    with profile(activities=activities) as found:
        run_steps(trainer, steps)
    return sorted(_kernels(found, steps), key=lambda kernel: -kernel.microseconds)


def _kernels(found: Any, steps: int) -> list[Kernel]:
    """Each operator of a CPU without those that it calls."""
    sums: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])
    for event in found.events():
        on_gpu = event.device_type == torch.autograd.DeviceType.CUDA
        own = event.self_device_time_total if on_gpu else event.self_cpu_time_total
        sums[event.name][0] += 1
        sums[event.name][1] += own
    return [Kernel(name, calls / steps, total / steps) for name, (calls, total) in sums.items() if total]


def _group(name: str) -> str:
    lower = name.lower()
    return next((group for group, parts in GROUPS.items() if any(part in lower for part in parts)), "others")
