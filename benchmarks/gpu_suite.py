"""All that only a GPU can say, as one command that is proven on a CPU first.

    python benchmarks/gpu_suite.py --images FOLDER [--steps sweep profile packing memory] [--minutes 10]
    python benchmarks/gpu_suite.py --small --images FOLDER       # the same steps on any machine, in minutes

* `sweep`: `aesweep launch` with Ray on the card, killed once and resumed (gpu_parts/sweep.py).
* `profile`: kernels, idle share and the longest kernels of 20 steps (gpu_parts/profiling.py).
* `packing`: 1 to 8 trials on one card, with and without MPS (gpu_parts/packing.py).
* `memory`: whether a training stays below its predicted memory, and whether the limit holds (gpu_parts/memory.py).

Writes gpu-<hardware>-<date>.md after every step, so that at most one step is lost if the machine is taken away, and
sweep.tar.gz with the tables and the report of the sweep. A step that fails is a line of the page and exit code 1.
"""

import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from gpu_parts import memory, packing, profiling, sweep  # noqa: E402
from page import footer, hardware, parser, today, write_page  # noqa: E402

STEPS = ("sweep", "profile", "packing", "memory")


def main() -> int:
    """Run the steps one after another; 1 where one failed."""
    options = parser(__doc__)
    options.add_argument("--images", type=Path, required=True, help="folder of images, train/ and test/ in it")
    options.add_argument("--steps", nargs="+", choices=STEPS, default=STEPS)
    options.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    options.add_argument("--epochs", type=int, default=100, help="of the sweep's trials")
    options.add_argument("--minutes", type=float, default=10, help="no step begins after so many")
    options.add_argument("--small", action="store_true", help="narrow networks, few steps and images")
    args = options.parse_args()
    device, small = torch.device(args.device), args.small
    args.out.mkdir(parents=True, exist_ok=True)
    widths, images = ([2], 2000) if small else ([32, 64], 50_000)
    parts, failed, started = [f"# GPU suite: {hardware(device)}, {today()}"], False, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gpu-suite-") as work:
        steps: dict[str, Callable[[], str]] = {
            "sweep": lambda: sweep.section(
                Path(work), args.out, args.images, widths, 3 if small else args.epochs, 64 if small else 10_000
            ),
            "profile": lambda: profiling.section(device, [2] if small else [32, 128], 32, 3 if small else 20, images),
            "packing": lambda: packing.section(
                device,
                [2] if small else [16, 32, 64, 128],
                [1, 2] if small else [1, 2, 3, 4, 8],
                2 if small else 4,
                images,
            ),
            "memory": lambda: memory.section(device, [2] if small else [16, 32, 64, 128], 32, images),
        }
        for name in args.steps:
            if time.monotonic() - started > 60 * args.minutes:
                parts.append(f"## {name}\n\nNot run: its time was over.")
                failed = True
                continue
            begun = time.monotonic()
            try:
                parts.append(steps[name]())
            except Exception:
                failed = True
                parts.append(f"## {name}\n\nFailed:\n\n```\n{traceback.format_exc()}```")
            parts.append(f"({time.monotonic() - begun:.0f} s)")
            text = "\n\n".join([*parts, footer("torch", "ray", "pandas"), ""])
            write_page(args.out, "gpu-small" if small else "gpu", hardware(device), text)
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
