"""What the benchmarks share.

Their options, the names of the hardware, the versions, a file named after it and the day, jobs in several processes, a Ray
cluster, and the Inception network with random weights.
"""

import argparse
import os
import platform
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import torch
    from ray.cluster_utils import Cluster

    from aesweep.evaluation.networks.extractor import Extractor

Job = TypeVar("Job")
Found = TypeVar("Found")
REPOSITORY = Path(__file__).resolve().parent.parent
PAGES = REPOSITORY / "docs" / "benchmarks"


def parser(doc: str | None, *, writes_page: bool = True) -> argparse.ArgumentParser:
    """The options of a benchmark whose file begins with `doc`; one that writes a page has `--out`."""
    found = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if writes_page:
        found.add_argument("--out", type=Path, default=PAGES, help="folder of the page")
    return found


def ray_cluster(**head: object) -> "Cluster":
    """A Ray cluster of one machine, to which others can be added."""
    from ray._common.utils import get_default_ray_temp_dir
    from ray.cluster_utils import Cluster

    # The cluster writes its address there, and only a machine without a `temp_dir` of its own makes that folder.
    Path(get_default_ray_temp_dir()).mkdir(parents=True, exist_ok=True)
    return Cluster(initialize_head=True, head_node_args={"include_dashboard": False, **head})


def processor() -> str:
    """The processor's product name."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        text = ""
    found = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def hardware(device: "torch.device | None" = None) -> str:
    """The product name of a GPU; of the processor where the device is none."""
    if device is None or device.type != "cuda":
        return processor()
    import torch

    return torch.cuda.get_device_name(device)


def footer(*packages: str) -> str:
    """The last lines of a page: versions of Python and of `packages`, the system, and the command."""
    versions = ", ".join([f"Python {platform.python_version()}", *map(_version, packages)])
    threads = os.environ.get("OMP_NUM_THREADS")
    words = ["python", f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]
    command = f"OMP_NUM_THREADS={threads} {shlex.join(words)}" if threads else shlex.join(words)
    return f"{versions}, {platform.system()} {platform.machine()}.\nWritten by `{command}`."


def _version(package: str) -> str:
    if package == "torch":  # only the module itself says for which CUDA it was built
        import torch

        return f"torch {torch.__version__}"
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"without {package}"


@contextmanager
def random_inception(device: "torch.device") -> Iterator[tuple[Path, "Callable[..., Extractor]"]]:
    """A file of random weights for Inception, which change no time, and what loads them onto `device`.

    The latter takes `computation` as `load_inception` does. Needs torch-fidelity.
    """
    from aesweep.evaluation.networks.extractors import load_inception
    from tests.evaluation.networks.random_inception import hash_and_size, write_random_inception

    with tempfile.TemporaryDirectory() as folder:
        path = write_random_inception(Path(folder) / "inception.pth")
        yield path, partial(load_inception, path, *hash_and_size(path), device=device)


def in_processes(run: Callable[[Job], Found], jobs: Sequence[Job], processes: int) -> Iterator[Found]:
    """What `run` gives for each job, in their order; forked processes share the work, and stderr says how far they are."""
    with ProcessPoolExecutor(processes, get_context("fork")) as pool:
        for number, found in enumerate(pool.map(run, jobs), 1):
            print(f"{number} of {len(jobs)} jobs", file=sys.stderr, flush=True)
            yield found


def today() -> str:
    """The date of a page."""
    return datetime.now(UTC).date().isoformat()


def write_page(folder: Path, what: str, hardware: str, text: str) -> Path:
    """Write `folder`/<what>-<hardware>-<date>.md, print it and its path; the path."""
    slug = re.sub(r"[^a-z0-9]+", "-", hardware.lower()).strip("-")
    path = folder / f"{what}-{slug}-{today()}.md"
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(text, path, sep="\n")
    return path
