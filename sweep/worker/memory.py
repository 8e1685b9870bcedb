"""How a training worker handles the machine's memory. Imports no torch.

Problem: a training step frees its activations and asks for as much again a moment later. Above thresholds that glibc sets for
small programs, each tensor is mapped from the kernel and given back, so every step pays for fresh, zeroed pages.
Decision: raise both thresholds once, when a process begins to train. What is freed stays with the process, which has held as much
at its peak anyway.
Consequence: 22 % more images per CPU-second at 16 filters (docs/benchmarks/peers-cpu-*.md), the same bits. Between two trials,
memory goes back to the machine.
"""

import ctypes
import os
import platform

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # names and numbers of glibc's malloc.h
LARGEST_MMAP_THRESHOLD = 32 * 2**20  # bytes; glibc refuses more
NEVER_TRIM = 2**31 - 1  # the largest number that `mallopt` takes
VARIABLES = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES", "LD_PRELOAD")
"""With one of these, somebody else has chosen how memory is allocated."""


def keep_freed_memory() -> bool:
    """Let glibc keep freed memory for the next step; False where there is no glibc, or the user has set its thresholds."""
    if platform.libc_ver()[0] != "glibc" or any(map(os.environ.get, VARIABLES)):
        return False
    libc = ctypes.CDLL(None)
    return bool(libc.mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD) and libc.mallopt(M_TRIM_THRESHOLD, NEVER_TRIM))


def return_freed_memory() -> None:
    """Give the machine back what this process has freed: the next trial may need less."""
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)
