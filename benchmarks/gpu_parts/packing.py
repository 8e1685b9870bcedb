"""How many images per second several trials on one card train in sum: by processes, with and without NVIDIA's MPS."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch

from gpu_parts.loops import run_steps, trial, warm_trainer

FOLDER = Path(__file__).resolve().parent.parent
CHUNK = 20  # steps between two looks at the clock


def section(device: torch.device, widths: list[int], counts: list[int], seconds: float, images: int) -> str:
    """Markdown: a table of widths by numbers of trials, without MPS and, where the machine has it, with."""
    lines = ["## Several trials on one card", ""]
    lines += [f"Images per second in sum, {seconds:.0f} s each, every trial in a process of its own.", ""]
    lines += [f"| filters | MPS | {' | '.join(map(str, counts))} |", f"|---|---|{'---|' * len(counts)}"]
    for on in (False, True) if device.type == "cuda" and shutil.which("nvidia-cuda-mps-control") else (False,):
        with mps(on) as env:
            for filters in widths:
                rates = [images_per_second(device, filters, count, seconds, images, env) for count in counts]
                cells = " | ".join(f"{rate:,.0f} ({rate / rates[0]:.2f}×)" for rate in rates)
                lines.append(f"| {filters} | {'on' if on else 'off'} | {cells} |")
                print(lines[-1], flush=True)
    return "\n".join(lines)


@contextmanager
def mps(on: bool) -> Iterator[Mapping[str, str]]:
    """The environment of processes that share the card through an MPS daemon of their own, which ends with the block."""
    if not on:
        yield os.environ
        return
    with tempfile.TemporaryDirectory(prefix="mps-") as folder:
        env = {**os.environ, "CUDA_MPS_PIPE_DIRECTORY": folder, "CUDA_MPS_LOG_DIRECTORY": folder}
        subprocess.run(["nvidia-cuda-mps-control", "-d"], env=env, check=True)
        try:
            yield env
        finally:
            subprocess.run(["nvidia-cuda-mps-control"], input="quit\n", text=True, env=env, check=False)


def images_per_second(
    device: torch.device, filters: int, count: int, seconds: float, images: int, env: Mapping[str, str]
) -> float:
    """Images per second of `count` processes that begin together, in total."""
    words = [sys.executable, "-m", "gpu_parts.packing", str(device), str(filters), str(seconds), str(images)]
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    processes = [
        subprocess.Popen(words, cwd=FOLDER, env={**env, "PYTHONPATH": _path(env)}, **options)  # type: ignore[call-overload]
        for _ in range(count)
    ]
    try:
        for process in processes:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"a process ended before it was ready: exit code {process.wait()}")
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        return sum(float(process.communicate()[0]) for process in processes)
    finally:
        for process in processes:
            process.kill()


def _path(env: Mapping[str, str]) -> str:
    return os.pathsep.join(filter(None, [str(FOLDER.parent), env.get("PYTHONPATH", "")]))


def _train(device: torch.device, filters: int, seconds: float, images: int) -> None:
    """One of the processes: say that it is ready, wait for the word, train, and print images per second."""
    torch.set_num_threads(1)
    config = trial(filters)
    trainer = warm_trainer(config, device, images)
    print("ready", flush=True)
    sys.stdin.readline()
    steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        run_steps(trainer, CHUNK if device.type == "cuda" else 1)
        steps += CHUNK if device.type == "cuda" else 1
    print(steps * config.batch_size / (time.perf_counter() - started), flush=True)


if __name__ == "__main__":
    _train(torch.device(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]))
