"""How many images per second training reaches: a plain fp32 PyTorch loop against `aesweep.models.training.trainer`, in the same run.

    python benchmarks/training_throughput.py --filters 16 32 --rounds 3 --steps 3 [--folder IMAGES]
    python benchmarks/training_throughput.py --device cuda --filters 16 32 64 128 --rounds 3 --steps 100

All train the same network from the same weights on the same images; on a GPU our trainer runs twice, its steps launched
kernel by kernel, and replayed from a CUDA graph. They take turns, round by round, so that a machine that slows down or is
shared slows all; the median round counts.
Writes docs/benchmarks/training-<hardware>-<date>.md.
"""

import argparse
import math
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from gpu_parts.loops import run_steps  # noqa: E402
from page import footer, hardware, parser, today, write_page  # noqa: E402

from aesweep.cluster.capacity import allowed_cpus  # noqa: E402
from aesweep.models.config import TrialConfig  # noqa: E402
from aesweep.models.data.datasets import DataSource, default_data_dir  # noqa: E402
from aesweep.models.data.folder import folder_identity  # noqa: E402
from aesweep.models.data.images import load_images  # noqa: E402
from aesweep.models.networks.autoencoder import build_autoencoder  # noqa: E402
from aesweep.models.precision import choose_precision  # noqa: E402
from aesweep.models.training.step_graph import WARMUP_STEPS  # noqa: E402
from aesweep.models.training.trainer import Trainer  # noqa: E402

Loop = Callable[[int], tuple[float, float]]
"""Trains a number of steps; gives images per second and the mean loss."""


def plain_loop(config: TrialConfig, train: torch.Tensor, device: torch.device) -> Loop:
    """What a first version would be: DataLoader, float images in NCHW memory, fp32, Adam as it comes. DAE only."""
    model = build_autoencoder(config).to(device, memory_format=torch.contiguous_format).train()  # type: ignore[call-overload]
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rates[0])
    images = TensorDataset(train.permute(0, 3, 1, 2).float().div(255).contiguous())
    loader = DataLoader(images, batch_size=config.batch_size, shuffle=True, drop_last=True)

    def forever() -> Iterator[torch.Tensor]:
        while True:
            for (batch,) in loader:
                yield batch

    batches = forever()

    def run(steps: int) -> tuple[float, float]:
        total, started = 0.0, time.perf_counter()
        for _ in range(steps):
            x = next(batches).to(device)
            loss = F.binary_cross_entropy_with_logits(model(x)[0], x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        return steps * config.batch_size / (time.perf_counter() - started), total / steps

    return run


def our_loop(config: TrialConfig, train: torch.Tensor, device: torch.device, replay: bool) -> Loop:
    """`aesweep.models.training.trainer.Trainer`, left and entered again by its own `after_step`."""
    trainer = Trainer(config, train.to(device), device=device, replay=replay)

    def run(steps: int) -> tuple[float, float]:
        started = time.perf_counter()
        images = run_steps(trainer, steps)
        mean = trainer._losses[: trainer.step, 0].mean().item()  # of the running epoch
        return images / (time.perf_counter() - started), mean

    return run


def measure(config: TrialConfig, train: torch.Tensor, device: torch.device, rounds: int, steps: int) -> str:
    """One line of the report's table."""
    loops = {"plain": plain_loop(config, train, device), "launched": our_loop(config, train, device, replay=False)}
    if device.type == "cuda":
        loops["replayed"] = our_loop(config, train, device, replay=True)
    speeds: dict[str, list[float]] = {name: [] for name in loops}
    losses: dict[str, float] = {}
    for loop in loops.values():
        loop(
            WARMUP_STEPS + 2 if device.type == "cuda" else 1
        )  # the first steps pick algorithms, fill caches and record
    for _ in range(rounds):
        for name, loop in loops.items():
            speed, losses[name] = loop(steps)
            speeds[name].append(speed)
    line = f"| {config.filters} | " + " | ".join(
        f"{(median := statistics.median(speeds[name])):.0f} ({1000 * config.batch_size / median:.2f})" for name in loops
    )
    for name in list(loops)[1:]:
        ratios = [speed / base for base, speed in zip(speeds["plain"], speeds[name], strict=True)]
        line += f" | {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
    line += f" | {' / '.join(f'{loss:.3f}' for loss in losses.values())} |"
    print(line, flush=True)
    return line


def report(args: argparse.Namespace, device: torch.device, lines: list[str], load_before: float, images: str) -> Path:
    """Write the Markdown report and return its path."""
    name = hardware(device)
    where = f"{name}, {torch.get_num_threads()} thread(s), {allowed_cpus()} cores; load average {load_before:.1f}"
    loops = ["plain", "launched", *(["replayed"] if device.type == "cuda" else [])]
    columns = ["filters", *(f"{name}, images/s (ms a step)" for name in loops)]
    columns += [*(f"{name} / plain, median (range)" for name in loops[1:]), f"loss {' / '.join(loops)}"]
    text = f"""# Training throughput: {name}, {today()}

The plain fp32 loop (DataLoader, NCHW, Adam) against `aesweep.models.training.trainer` (resident uint8, channels_last, fused Adam,
precision `auto` = {choose_precision("auto", device)} here), DAE, batch {args.batch_size}, 128 latents, {images} of
{"a folder of real pictures" if args.folder else "scikit-learn's digits"} at 32x32.
`launched`: the trainer's steps kernel by kernel. `replayed`: as CUDA graphs, its default on a GPU where the network is narrow
(up to 128 filters here; wider ones are launched in both columns).
Median of {args.rounds} alternating rounds of {args.steps} steps each; the loss columns are those of the last round.

| {" | ".join(columns)} |
|{"---|" * len(columns)}
{chr(10).join(lines)}

* Hardware: {where}.
* The losses differ from the plain loop's: our first epoch is the warmup at a tenth of the learning rate, the orders differ, and
  ours are means over the running epoch. Speed does not depend on either.

{footer("torch", "numpy")}
"""
    return write_page(args.out, "training", f"{device.type} {name}", text)


def main() -> None:
    """Measure each width and write the report."""
    options = parser(__doc__)
    options.add_argument("--filters", type=int, nargs="+", default=[16, 32])
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--steps", type=int, default=3)
    options.add_argument("--batch-size", type=int, default=128)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options.add_argument(
        "--images", type=int, help="at least so many, repeated where there are fewer; default 50,000 on a GPU"
    )
    options.add_argument("--folder", type=Path, help="images as FOLDER/{train,test}/<label>/*.jpg; default: digits")
    options.add_argument("--data", type=Path, default=default_data_dir())
    args = options.parse_args()
    torch.set_num_threads(args.threads)
    load_before = os.getloadavg()[0]
    device = torch.device(args.device)
    identity = folder_identity(args.folder, args.data) if args.folder else ""
    base = TrialConfig(
        dataset="folder" if args.folder else "digits",
        data_identity=identity,
        batch_size=args.batch_size,
        epochs=10_000,
    )
    source = DataSource(data_dir=args.data, folder=args.folder)
    found = torch.from_numpy(np.array(load_images(base, source).train))
    # as many as CIFAR-10 has: with few images a GPU would meet the end of an epoch, which waits for it, every few steps
    at_least = args.images or (50_000 if device.type == "cuda" else 1)
    train = found.repeat(math.ceil(at_least / len(found)), 1, 1, 1)[: max(at_least, len(found))]
    images = f"{len(train)} images" + (f" ({len(found)} repeated)" if len(train) > len(found) else "")
    lines = []
    for filters in args.filters:
        config = TrialConfig(**{**base.to_json(), "filters": filters})
        lines.append(measure(config, train, device, args.rounds, args.steps))
    report(args, device, lines, load_before, images)


if __name__ == "__main__":
    main()
