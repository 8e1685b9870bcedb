"""How many images per second several trials on one card train in sum.

Three ways: processes that take turns, as a sweep's workers do today; processes that share the card through NVIDIA's MPS; and one
process that replays several recorded steps, each on a stream of its own.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest import mock

import torch

from aesweep.models.config import TrialConfig
from aesweep.models.training import step_graph
from aesweep.models.training.trainer import Trainer
from gpu_parts.loops import noise, run_steps, trial, wait_for, warm_trainer

FOLDER = Path(__file__).resolve().parent.parent
CHUNK = 20
"""Steps between two looks at the clock."""
MOST_DIFFERENCE = 0.01
"""Largest relative difference of the losses of the same trial on several streams, in bf16."""

Rate = Callable[[int, int], float]
"""(filters, number of trials) -> images per second in sum."""


def section(device: torch.device, widths: list[int], counts: list[int], seconds: float, images: int) -> str:
    """Markdown: a table of widths by numbers of trials, for each way that the machine knows."""
    lines = ["## Several trials on one card", ""]
    lines += [f"Images per second in sum, {seconds:.0f} s each, and how many times those of one trial.", ""]
    lines += [f"| filters | way | {' | '.join(map(str, counts))} |", f"|---|---|{'---|' * len(counts)}"]
    has_mps = device.type == "cuda" and shutil.which("nvidia-cuda-mps-control") is not None
    for way, on in [("processes", False), *([("processes with MPS", True)] if has_mps else [])]:
        with mps(on) as env, processes(max(counts), device, seconds, images, env) as rate:
            lines += _rows(way, widths, counts, rate)
    lines += _rows("streams of one process", widths, counts, _on_streams(device, seconds, images))
    if device.type == "cuda" and not has_mps:
        lines += ["", "This machine has no `nvidia-cuda-mps-control`."]
    return "\n".join(lines)


def _rows(way: str, widths: Sequence[int], counts: Sequence[int], rate: Rate) -> Iterator[str]:
    for filters in widths:
        rates = [rate(filters, count) for count in counts]
        row = f"| {filters} | {way} | {' | '.join(f'{r:,.0f} ({r / rates[0]:.2f}×)' for r in rates)} |"
        print(row, flush=True)
        yield row


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


@contextmanager
def processes(count: int, device: torch.device, seconds: float, images: int, env: Mapping[str, str]) -> Iterator[Rate]:
    """`count` processes, started once: of several seconds each that would be most of the time."""
    words = [sys.executable, "-m", "gpu_parts.packing", str(device), str(seconds), str(images)]
    paths = filter(None, [str(FOLDER.parent), env.get("PYTHONPATH", "")])
    env = {**env, "PYTHONPATH": os.pathsep.join(paths)}
    with ExitStack() as ending:
        started = []
        for _ in range(count):
            process = subprocess.Popen(
                words, cwd=FOLDER, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            ending.callback(process.wait)
            ending.callback(process.kill)
            started.append(process)

        def rate(filters: int, trials: int) -> float:
            chosen = started[:trials]
            _ask(chosen, str(filters))
            return sum(map(float, _ask(chosen, "go")))

        yield rate


def _ask(chosen: Sequence["subprocess.Popen[str]"], word: str) -> list[str]:
    """The answers of all processes, after all were asked."""
    for process in chosen:
        assert process.stdin is not None
        process.stdin.write(word + "\n")
        process.stdin.flush()
    answers = [process.stdout.readline() for process in chosen if process.stdout is not None]
    if "" in answers:
        raise RuntimeError(f"a process ended: exit code {chosen[answers.index('')].wait()}")
    return answers


def _serve(device: torch.device, seconds: float, images: int) -> None:
    """One of the processes: a number of filters makes it ready to train them, "go" makes it train and print its rate."""
    torch.set_num_threads(1)
    filters, trainer = 0, None
    for line in sys.stdin:
        if line == "go\n" and trainer is not None:
            print(_rate_of([trainer], device, seconds, run_steps), flush=True)
            continue
        if int(line) != filters:
            filters, trainer = int(line), None  # gives its memory to the next one
            config = trial(filters)
            trainer = warm_trainer(config, device, noise(config, device, images))
        print("ready", flush=True)


def _rate_of(
    trainers: Sequence[Trainer], device: torch.device, seconds: float, run: Callable[[Trainer, int], object]
) -> float:
    """Images per second of trainers whose steps `run` gives to the device, `CHUNK` at a time."""
    steps, started = 0, time.perf_counter()
    while time.perf_counter() - started < seconds:
        for trainer in trainers:
            run(trainer, CHUNK if device.type == "cuda" else 1)
        wait_for(device)
        steps += CHUNK if device.type == "cuda" else 1
    return len(trainers) * steps * trainers[0].config.batch_size / (time.perf_counter() - started)


def _on_streams(device: torch.device, seconds: float, images: int) -> Rate:
    """Rates of trainers in this process, which wait for each other only when all look at the clock."""

    def rate(filters: int, count: int) -> float:
        config = trial(filters)
        trainers = trainers_on_streams(config, device, noise(config, device, images), count)
        batch = torch.arange(config.batch_size, device=device)
        wait_for(device)
        losses: dict[Trainer, torch.Tensor] = {}

        def run(trainer: Trainer, steps: int) -> None:
            for _ in range(steps):
                losses[trainer] = replay_on(trainers[trainer], trainer, batch)

        found = _rate_of(list(trainers), device, seconds, run)
        _check_equal([loss[0].item() for loss in losses.values()])
        return found

    return rate


def trainers_on_streams(
    config: TrialConfig, device: torch.device, train: torch.Tensor, count: int
) -> dict[Trainer, "torch.cuda.Stream | None"]:
    """The same trial several times, each with its step recorded on a stream of its own; on a CPU, as they are.

    A shared stream would not do: cuBLAS keeps a workspace per stream, whose address a recording holds.
    """
    found: dict[Trainer, torch.cuda.Stream | None] = {}
    for _ in range(count):
        stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        with mock.patch.object(step_graph, "_stream", lambda _, own=stream: own):
            found[warm_trainer(config, device, train)] = stream
    return found


def replay_on(stream: "torch.cuda.Stream | None", trainer: Trainer, batch: torch.Tensor) -> torch.Tensor:
    """One step, on a GPU without waiting for other streams; its losses, which the next step overwrites."""
    graph = trainer._steps.graph
    if stream is None:
        return trainer._train_step(batch)
    if graph is None:
        raise RuntimeError("the step was not recorded; see the warning above")
    with torch.cuda.stream(stream):
        return graph.replay(batch)


def _check_equal(losses: Sequence[float]) -> None:
    """Raises where trainings that should be the same differ: they would have overwritten each other's numbers."""
    if not max(losses) - min(losses) <= MOST_DIFFERENCE * max(losses):
        raise RuntimeError(f"the same trial ended with different losses on different streams: {losses}")


if __name__ == "__main__":
    _serve(torch.device(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
