"""What each objective costs against a plain DAE: milliseconds of a training step, and memory.

    OMP_NUM_THREADS=1 python benchmarks/objectives.py --filters 32 --rounds 3 --steps 10
    python benchmarks/objectives.py --device cuda --filters 32 128 --rounds 3 --steps 200

Every measurement is a fresh process, since the memory of a process only grows. Rounds alternate over all objectives, so that a
machine that slows down or is shared slows all; the ratio to the DAE is taken within each round. On a CPU the time is that of
the process on the processor, which other programs hardly change; on a GPU it is the wall clock's, steps replayed from a CUDA graph.
Writes docs/benchmarks/objectives-<hardware>-<date>.md.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from page import footer, hardware, parser, today, write_page  # noqa: E402

from aesweep.models.config import TrialConfig  # noqa: E402
from aesweep.models.objectives.registry import OBJECTIVES  # noqa: E402
from aesweep.models.training.step_graph import WARMUP_STEPS  # noqa: E402
from aesweep.models.training.trainer import Trainer  # noqa: E402

ROWS = {
    **{name: {"model": name} for name in OBJECTIVES.built_in if name != "rae-gp"},
    "dae, batch_plain": {"model": "dae", "latent_norm": "batch_plain"},
    **{
        f"rae-gp, {gradient}": {"model": "rae-gp", "parameters": {"gradient": gradient, "gradient_penalty": 1e-7}}
        for gradient in ("output_square", "jacobian")
    },
}
"""What is measured: fields of a trial by the name of the row."""


class Measured(NamedTuple):
    """One process: milliseconds per step, and MiB that the training took at most."""

    milliseconds: float
    mebibytes: float


def measure(row: str, filters: int, steps: int, device: torch.device) -> Measured:
    """Train some steps of a row in this process."""
    config = TrialConfig(dataset="cifar10", filters=filters, bn_momentum=0.01, **ROWS[row])  # type: ignore[arg-type]
    images = torch.randint(0, 256, (20 * config.batch_size, 32, 32, 3), dtype=torch.uint8).to(device)
    before = _memory(device)
    trainer = Trainer(config, images, device=device)
    _run(trainer, WARMUP_STEPS + 2)  # they pick algorithms, make the optimiser's state and record
    started = _clock(device)
    _run(trainer, steps)
    return Measured(1000 * (_clock(device) - started) / steps, _memory(device) - before)


def _run(trainer: Trainer, steps: int) -> None:
    left = steps

    def after_step() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    while left:
        trainer.run_epoch(after_step)


def _clock(device: torch.device) -> float:
    if device.type == "cpu":
        return time.process_time()
    torch.cuda.synchronize(device)
    return time.perf_counter()


def _memory(device: torch.device) -> float:
    """The most that was taken so far, MiB."""
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def in_fresh_process(row: str, filters: int, args: argparse.Namespace) -> Measured:
    """`measure` in a process of its own."""
    words = ["--one", row, "--filters", str(filters), "--steps", str(args.steps), "--device", args.device]
    done = subprocess.run([sys.executable, __file__, *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{row}: {done.stderr[-2000:]}")
    return Measured(*json.loads(done.stdout))


def table(filters: int, args: argparse.Namespace) -> str:
    """One line per row of `ROWS`."""
    rounds = []
    for number in range(args.rounds):
        rounds.append({row: in_fresh_process(row, filters, args) for row in ROWS})
        print(f"{filters} filters: round {number + 1} of {args.rounds}", file=sys.stderr, flush=True)
    lines = ["| objective | ms per step | against the DAE | MiB | against the DAE |", "|---|---|---|---|---|"]
    for row in ROWS:
        found = [one[row] for one in rounds]
        slower = [one[row].milliseconds / one["dae"].milliseconds for one in rounds]
        ratio = f"{statistics.median(slower):.2f} ({min(slower):.2f} to {max(slower):.2f})"
        memory, plain = (statistics.median(one[name].mebibytes for one in rounds) for name in (row, "dae"))
        time_of_step = statistics.median(one.milliseconds for one in found)
        lines.append(f"| {row} | {time_of_step:.1f} | {ratio} | {memory:.0f} | {memory / plain:.2f} |")
    return "\n".join(lines)


def page(args: argparse.Namespace, device: torch.device) -> str:
    """The text of the page."""
    clock = "processor time, one thread per process" if device.type == "cpu" else "wall clock, replayed CUDA graphs"
    parts = [
        f"# Cost of objectives on {hardware(device)}, {today()}",
        f"Training steps of batches of 128 images of 32 pixels, 128 latent units; {clock}. Median of {args.rounds} rounds of "
        f"{args.steps} steps each, smallest and largest ratio in brackets. Memory is what a process took at most beyond its libraries "
        "and images. `rae-gp` without a gradient penalty, its default on CIFAR-10, costs what `rae` does.",
        *(f"## {filters} filters\n\n{table(filters, args)}" for filters in args.filters),
        footer("torch", "numpy"),
    ]
    return "\n\n".join(parts) + "\n"


def main() -> None:
    """Measure and write the page, or, with `--one`, print one measurement."""
    options = parser(__doc__)
    options.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    options.add_argument("--filters", type=int, nargs="+", default=[32])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", type=int, default=10)
    options.add_argument("--one", help=argparse.SUPPRESS)
    args = options.parse_args()
    device = torch.device(args.device)
    if args.one:
        print(json.dumps(measure(args.one, args.filters[0], args.steps, device)))
        return
    write_page(args.out, "objectives", hardware(device), page(args, device))


if __name__ == "__main__":
    main()
