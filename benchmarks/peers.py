"""Our training loop against others: Pythae's trainer, a textbook PyTorch loop and Lightning's Trainer, side by side.

    python benchmarks/peers.py [--filters 16 32] [--rounds 5] [--steps 12]
    python benchmarks/peers.py --device cuda --filters 16 32 64 128 --rounds 3 --steps 200

All train the same network with the same loss, batch and images in memory; each measurement is a fresh process with one thread.
They take turns, round by round, each round in another order, so that a machine that slows down or is shared slows all. On a CPU, images
per second of the process's own CPU time count; on a GPU, of the wall clock. Pythae and Lightning are installed into an environment
of their own, which is removed again; a machine without a package registry takes `--wheels FOLDER`, made by
`pip download --no-deps --dest FOLDER pythae imageio lightning pytorch-lightning lightning-utilities`.
Writes peers-<cpu or cuda>-<hardware>-<date>.md.
"""

import argparse
import json
import os
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from page import footer, hardware, parser, today, write_page
from peer_parts.environment import Environment, with_peers

from aesweep.cluster.capacity import allowed_cpus

NAMES = {
    "aesweep": "aesweep, as a sweep's worker trains",
    "aesweep-usual-malloc": "aesweep, glibc's usual thresholds",
    "pythae": "Pythae, BaseTrainer",
    "pythae-amp": "Pythae, BaseTrainer with `amp`",
    "textbook": "textbook loop with DataLoader",
    "lightning": "Lightning, Trainer",
}
ON = {
    "cpu": ("aesweep", "aesweep-usual-malloc", "pythae", "textbook", "lightning"),
    "cuda": ("aesweep", "pythae", "pythae-amp", "textbook", "lightning"),
}
IMAGES = {"cpu": 4096, "cuda": 50_000}
WARM = {"cpu": 2, "cuda": 20}  # the first steps choose algorithms, fill caches and record

BOUND = ("convolutions", "peak_gflops", "gain_at_peak")

Measured = dict[str, Any]
Rounds = dict[str, list[Measured]]
"""Trainer -> what it reached in each round."""


def main() -> None:
    """Measure each width and write the page."""
    options = parser(__doc__)
    options.add_argument("--filters", type=int, nargs="+", default=[16, 32])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=12)
    options.add_argument("--device", choices=tuple(ON), default="cpu")
    options.add_argument("--trainers", nargs="+", choices=tuple(NAMES), help="default: all that this device has")
    options.add_argument("--wheels", type=Path, help="folder of the peers' wheels, for a machine without a registry")
    args = options.parse_args()
    if args.device == "cuda" and not torch.cuda.is_available():
        options.error("--device cuda: torch finds no GPU here")
    names = args.trainers or ON[args.device]
    before, device, found = os.getloadavg()[0], torch.device(args.device), dict[int, Rounds]()
    with with_peers(args.wheels) as environment:
        for filters in args.filters:
            found[filters] = measured(environment, args, names, filters)
            loads = f"{before:.1f} before and {os.getloadavg()[0]:.1f} after"
            text = page(args, device, found, loads)  # after each width: a borrowed machine may be taken away
            write_page(args.out, f"peers-{device.type}", hardware(device), text)


def measured(environment: Environment, args: argparse.Namespace, names: Sequence[str], filters: int) -> Rounds:
    """All rounds of one width."""
    rounds: Rounds = {name: [] for name in names}
    counts = [str(filters), str(WARM[args.device]), str(args.steps), str(IMAGES[args.device])]
    for number in range(args.rounds):
        first = number % len(names)
        for name in [*names[first:], *names[:first]]:
            said = environment.run(["-m", "peer_parts.trainers", name, args.device, *counts], OMP_NUM_THREADS="1")
            rounds[name].append(json.loads(said.splitlines()[-1]))
            print(filters, name, rounds[name][-1], file=sys.stderr, flush=True)
    return rounds


def page(args: argparse.Namespace, device: torch.device, found: dict[int, Rounds], loads: str) -> str:
    """The Markdown page."""
    speed = "per_second" if device.type == "cuda" else "per_cpu_second"
    unit = "images/s" if device.type == "cuda" else "images per CPU-second"
    tables = "\n\n".join(f"## {filters} filters\n\n{table(rounds, speed, unit)}" for filters, rounds in found.items())
    versions = {one["version"] for rounds in found.values() for runs in rounds.values() for one in runs}
    peers = ", ".join(sorted(name for name in versions if not name.startswith("torch ")))
    return f"""# Trainers side by side: {hardware(device)}, {today()}

The same network (DAE, 128 latents, {", ".join(map(str, found))} filters), loss (cross-entropy), batch (128) and images (digits,
32x32, in memory). Each number is the median of {args.rounds} rounds, with the smallest and the largest; every round is a fresh
process with one thread that measures {args.steps} steps after {WARM[args.device]} others. All take turns, in another order each round.
A ratio is that of two runs of one round.

{tables}

* The peers keep their defaults, apart from files, logs and Lightning's progress bar: float images in a DataLoader of the same process,
  PyTorch's default memory layout, Adam. Lightning uses its mixed precision where the hardware computes in bf16.
* The losses are those of the last step at the same learning rate, each trainer in its own order of images. Speed does not depend on
  them.
* Memory is the largest resident memory of the process. It includes torch itself and the images, which we keep as uint8 and the
  others as float32.{bound(found, speed) if device.type == "cpu" else ""}
* Hardware: {hardware(device)}, {allowed_cpus()} CPUs; load average {loads}.

{peers}, {footer("torch")}
"""


def bound(found: dict[int, Rounds], speed: str) -> str:
    """What limits the ratios on a CPU, as a point of the page; "" without our trainer."""
    points = []
    for filters, rounds in found.items():
        ours = rounds.get("aesweep", [])
        if ours and "pythae" in rounds:
            share, peak, gain = (statistics.median(one[name] for one in ours) for name in BOUND)
            reached = statistics.median(a[speed] / b[speed] for a, b in zip(ours, rounds["pythae"], strict=True))
            points.append(
                f"  * {filters} filters: convolutions take {share:.0%} of our step. At the speed of products it would be "
                f"{gain:.2f} times as fast, {gain * reached:.2f} times as fast as Pythae's."
            )
    if not points:
        return ""
    lines = "\n".join(points)
    return f"""
* All trainers leave convolutions to oneDNN. Its products of large matrices reach {peak:.0f} GFLOP/s here in our precision, and
  convolutions hardly reach more. So this is the most that the same operations can give:
{lines}"""


def table(rounds: Rounds, speed: str, unit: str) -> str:
    """One row for each trainer."""
    ours = [one[speed] for one in next(iter(rounds.values()))]
    rows = [f"| trainer | precision | {unit} | aesweep is faster by | loss | memory |", "|---|---|---|---|---|---|"]
    for name, runs in rounds.items():
        speeds = [one[speed] for one in runs]
        ratios = [our / its for our, its in zip(ours, speeds, strict=True)]
        loss, memory = (statistics.median(one[value] for one in runs) for value in ("loss", "peak_mb"))
        cells = [NAMES[name], runs[0]["precision"], spread(speeds, ".0f"), spread(ratios, ".2f", "×")]
        rows.append(f"| {' | '.join(cells)} | {loss:.3f} | {memory:.0f} MB |")
    return "\n".join(rows)


def spread(values: Sequence[float], form: str, unit: str = "") -> str:
    """Median, smallest and largest."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:{form}}{unit} ({low:{form}} to {high:{form}})"


if __name__ == "__main__":
    main()
