"""Which device a worker uses, its name for the record, and its threads."""

import gc
import platform
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from aesweep.cluster.resources import memory_fraction


def choose_device(requested: str) -> torch.device:
    """`auto` is the GPU where there is one, else the CPU."""
    if requested == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return torch.device(requested)


def describe_device(device: torch.device) -> str:
    """The product name of a GPU or of the processor, as records take it."""
    return plain_name(torch.cuda.get_device_name(device) if device.type == "cuda" else _processor())


def plain_name(name: str) -> str:
    """Printable ASCII of at most 100 characters, "?" for any other character: names come from firmware and hypervisors."""
    return "".join(c if c.isascii() and c.isprintable() else "?" for c in name)[:100]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def use_threads(threads: int) -> None:
    """Limit torch and BLAS to `threads`: thread counts change results, and Ray sets its own by default."""
    torch.set_num_threads(threads)
    threadpool_limits(threads)


def limit_memory(device: torch.device, gpu_share: float, needed: int) -> str:
    """Let this process take no more memory of its GPU than a training with this share may; the limit in words.

    `needed`: bytes that the training takes at most. Beyond the limit torch raises `OutOfMemoryError`, as on a full GPU.
    """
    total = torch.cuda.get_device_properties(device).total_memory
    fraction = memory_fraction(gpu_share, needed, total)
    torch.cuda.set_per_process_memory_fraction(fraction, device)  # always: this process may have had another trial
    return f"at most {fraction * total / 1e9:.1f} of {total / 1e9:.1f} GB of GPU memory; it should need {needed / 1e9:.1f} GB"


def free_memory() -> None:
    """Give the GPU back what the last trial held: other processes share it, and an error keeps whole frames alive."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the GPU had no memory left. The process still works, and the trial may work with a larger share."""
    return isinstance(error, torch.OutOfMemoryError)


def poisons_process(error: BaseException) -> bool:
    """Whether every later call on the device fails as well: any CUDA error but a lack of memory.

    Only calls that torch checks itself raise `AcceleratorError`; its libraries (cuBLAS, cuDNN, Triton) say it in a RuntimeError.
    """
    if is_out_of_memory(error):
        return False
    names = ("CUDA error", "CUDNN_STATUS", "Triton Error [CUDA]")
    named = isinstance(error, RuntimeError) and any(name in str(error) for name in names)
    return isinstance(error, torch.AcceleratorError) or named
