"""All that only a GPU can say, as one command that is proven on a CPU first.

    python benchmarks/gpu_suite.py --images FOLDER [--steps sweep profile packing changes memory] [--minutes 10]
    python benchmarks/gpu_suite.py --small --images FOLDER       # the same steps on any machine, in minutes

* `sweep`: `aesweep launch` with Ray on the card, killed once and resumed (gpu_parts/sweep.py).
* `profile`: kernels, idle share and the longest kernels of 20 steps (gpu_parts/profiling.py).
* `packing`: 1 to 8 trials on one card, by processes with and without MPS, and by streams of one process (gpu_parts/packing.py).
* `changes`: today's step against ways to make it faster (gpu_parts/comparison.py).
* `memory`: whether a training stays below its predicted memory, and whether the limit holds (gpu_parts/memory.py).

Writes gpu-<hardware>-<date>.md after every step, so that at most one step is lost if the machine is taken away, and
sweep.tar.gz with the tables and the report of the sweep. A step that fails is a line of the page and exit code 1.
"""

import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(Path(__file__).resolve().parent)]

from gpu_parts import comparison, memory, packing, profiling, sweep  # noqa: E402
from page import footer, hardware, parser, today, write_page  # noqa: E402

STEPS = ("sweep", "profile", "packing", "changes", "memory")


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
    if "sweep" in args.steps and not (args.images / "train").is_dir():
        options.error(f"--images {args.images}: it has no folder train/; give a folder with train/ and test/ in it")
    device, small = torch.device(args.device), args.small
    args.out.mkdir(parents=True, exist_ok=True)
    images = 2000 if small else 50_000
    widths, every_width, changed = ([2], [2], [2]) if small else ([32, 64], [16, 32, 64, 128], [32, 128])
    profiled = [(2, 32)] if small else [(32, 32), (128, 32), (256, 32), (128, 64)]
    parts, failed, started = [f"# GPU suite: {hardware(device)}, {today()}"], False, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="gpu-suite-") as work:
        epochs, samples = (3, 64) if small else (args.epochs, 10_000)
        counts, seconds = ([1, 2], 2) if small else ([1, 2, 3, 4, 8], 3)
        steps = {
            "sweep": partial(sweep.section, Path(work), args.out, args.images, widths, epochs, samples),
            "profile": partial(profiling.section, device, profiled, 3 if small else 20, images),
            "packing": partial(packing.section, device, every_width, counts, seconds, images),
            "changes": partial(comparison.section, device, changed, *((2, 2) if small else (7, 60)), images),
            "memory": partial(memory.section, device, every_width, 32, images),
        }
        for name in args.steps:
            if time.monotonic() - started > 60 * args.minutes:
                parts.append(f"## {name}\n\nNot run: its time was over.")
                failed = True
                continue
            begun = time.monotonic()
            try:
                parts.append(_in_its_own_process(steps[name]))
            except comparison.PartlyFailedError as found:
                failed = True
                parts.append(str(found))
            except Exception:
                failed = True
                parts.append(f"## {name}\n\nFailed:\n\n```\n{traceback.format_exc()}```")
            parts.append(f"({time.monotonic() - begun:.0f} s)")
            text = "\n\n".join([*parts, footer("torch", "ray", "pandas"), ""])
            write_page(args.out, "gpu-small" if small else "gpu", hardware(device), text)
    return int(failed)


def _in_its_own_process(step: Callable[[], str]) -> str:
    """The section that a step gives. An error of CUDA makes a process useless, and must not reach the next step."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(step).result()


if __name__ == "__main__":
    sys.exit(main())
