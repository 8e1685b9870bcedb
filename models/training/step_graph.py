"""A training step recorded as one CUDA graph, for networks too narrow to keep a GPU busy.

Up to 128 filters the CPU needs longer to launch the hundreds of kernels of a step than the GPU to run them. Recorded once
and replayed, they cost one launch. A recording holds addresses and numbers, so whatever changes from step to step lies on
the device and keeps its place: weights, moments, learning rate, the batch's indices, the state of the noise generator. The
kernels are the same and in the same order, so with deterministic ones a replayed step gives the bits of a launched one.

A recording may fail, for want of memory above all, and steps are launched then as before. Torch does not quite recover from
that (it keeps the graph's memory), so the first failure of a process is the last recording that it tries.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache

import torch

from aesweep.models.config import TrialConfig
from aesweep.models.cost import STEP_FACTOR, flops_per_image

log = logging.getLogger(__name__)

WARMUP_STEPS = 3  # launched before one is recorded: they make the optimiser's state and load libraries and kernels
LAUNCH_BOUND_FLOPS = 2e12
"""Operations of a step that take an H200 as long (6.7 ms in bf16, models/cost.py) as a CPU takes to launch them. Beyond,
replaying gains nothing, and would hold the memory of a step twice: the graph's own, and that of the short last batch. In
fp32, where convolutions are TF32, a step takes up to twice as long, and gains less."""

Step = Callable[[torch.Tensor], torch.Tensor]
"""Indices of a batch -> its losses. Trains one step, from gradients that it makes anew."""

_failed: list[torch.cuda.CUDAGraph] = []  # kept alive: torch may still hold their addresses


def worth_recording(config: TrialConfig, device: torch.device, precision: str, compiled: bool) -> bool:
    """Whether steps of this trial are to be replayed: on a GPU, where a narrow network waits for its launches.

    Not in fp16, whose loss scaler keeps half of its state in Python, nor compiled: both are seldom used, and untested so.
    """
    flops = STEP_FACTOR * flops_per_image(config) * config.batch_size
    usual = device.type == "cuda" and precision != "fp16" and not compiled
    return usual and flops <= LAUNCH_BOUND_FLOPS and not _failed


class StepRunner:
    """Runs the steps of one trainer: launched the first few times, then replayed if `replay` says so."""

    def __init__(self, batch_size: int, *, replay: bool) -> None:
        """Steps of `batch_size` images are recorded; others, such as the last of an epoch, are always launched."""
        self.graph: StepGraph | None = None
        self._batch_size = batch_size
        self._replay = replay
        self._launched = 0  # of those that are to be recorded

    def run(self, step: Step, index: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """`step(index)`, which draws from `generator`. A replayed result is overwritten by the next one."""
        usual = self._replay and len(index) == self._batch_size
        if usual and self.graph is None and self._launched >= WARMUP_STEPS:
            self.graph = recorded(step, index, generator)
            self._replay = self.graph is not None
        if not self._replay:
            return step(index)
        if usual and self.graph is not None:
            return self.graph.replay(index)
        self._launched += usual
        with recording_stream(index.device):
            return step(index)

    def forget(self) -> None:
        """Begin anew: what the steps read and write may lie elsewhere from here on."""
        self.graph, self._launched = None, 0


class StepGraph:
    """One recorded step. Its memory is its own, and goes back to torch with the last reference to it."""

    def __init__(self, step: Step, index: torch.Tensor, generator: torch.Generator) -> None:
        """Record `step(index)`, which draws from `generator`, without running it.

        It ran `WARMUP_STEPS` times before, within `recording_stream`, with as many indices. Raises whatever `step` or CUDA
        does; all is then as it was before.
        """
        self._index = index.clone()
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(generator)
        pool, noise = torch.cuda.graph_pool_handle(), generator.get_state()
        try:
            # thread_local: what other threads of this process do on the GPU meanwhile is no business of ours
            with (
                recording_stream(index.device) as stream,
                torch.cuda.graph(self._graph, pool, stream, capture_error_mode="thread_local"),
            ):
                self._losses = step(self._index)
        except BaseException:
            _failed.append(self._graph)
            # Where CUDA broke the recording off, torch 2.11 does not tell its allocator that it is over, and every later
            # `torch.cuda.empty_cache` of the process fails (github.com/pytorch/pytorch/pull/180395).
            with suppress(RuntimeError):  # "not currently recording": it was told
                torch._C._cuda_endAllocateToPool(index.device.index, pool)
            self._graph.reset()
            fresh = torch.Generator(index.device)  # the old state may still wait for the end of the recording
            fresh.set_state(noise)
            generator.graphsafe_set_state(fresh)
            raise

    def replay(self, index: torch.Tensor) -> torch.Tensor:
        """Run the step on another batch of the same size. The result is overwritten by the next call."""
        self._index.copy_(index)
        self._graph.replay()
        return self._losses


def recorded(step: Step, index: torch.Tensor, generator: torch.Generator) -> StepGraph | None:
    """The step as a graph; None where that fails, with a warning."""
    try:
        return StepGraph(step, index, generator)
    except Exception as error:
        log.warning(
            "a training step could not be recorded as a CUDA graph (%s); this process launches its steps one by one from "
            "here on, which gives the same result more slowly",
            _first_cause(error),
        )
        return None


def _first_cause(error: BaseException) -> str:
    """What went wrong first: to end a recording that broke is an error too."""
    while error.__context__ is not None:
        error = error.__context__
    return f"{type(error).__name__}: {error}"


@contextmanager
def recording_stream(device: torch.device) -> Iterator[torch.cuda.Stream]:
    """Within, work goes to the stream that records: after all work given before, and before all that is given afterwards.

    Steps that are launched run there too: cuBLAS keeps a workspace per stream, which must exist before a recording.
    `device` has its number, as a tensor's has: one stream for each.
    """
    stream, outer = _stream(device), torch.cuda.current_stream(device)
    stream.wait_stream(outer)
    try:
        with torch.cuda.stream(stream):
            yield stream
    finally:
        outer.wait_stream(stream)


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    """One for all trainers of the process: a workspace stays with its stream for ever."""
    return torch.cuda.Stream(device)
