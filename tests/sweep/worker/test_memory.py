"""A training worker keeps freed memory for its next step: fewer pages from the kernel, the same bits."""

import json
import platform
from typing import Any

import pytest

from tests.fresh_process import run_python

TRAIN = """
import hashlib, json, resource, sys
import torch
from aesweep.models.config import TrialConfig
from aesweep.models.training.checkpoint import model_bytes
from aesweep.models.training.trainer import Trainer
from aesweep.sweep.worker.memory import keep_freed_memory, return_freed_memory

torch.set_num_threads(1)
images = torch.randint(0, 256, (256, 32, 32, 3), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def train():
    trainer = Trainer(TrialConfig(filters=4, latent_size=8, epochs=2), images, device=torch.device("cpu"))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    while not trainer.finished:
        trainer.run_epoch()
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return hashlib.sha256(model_bytes(trainer.model)).hexdigest(), faults


def resident():
    return int(open("/proc/self/statm").read().split()[1])


train()  # loads libraries and kernels
usual = train()
kept = keep_freed_memory()
train()  # fills what is kept
keeping = train()
held = resident()
return_freed_memory()
print(json.dumps({"kept": kept, "usual": usual, "keeping": keeping, "held": held, "after": resident()}))
"""

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="needs glibc")


def run(code: str) -> Any:
    done = run_python(code)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@glibc
def test_memory_that_is_kept_spares_pages_and_changes_no_bit_and_goes_back_between_trials() -> None:
    found = run(TRAIN)
    (bits, faults), (kept_bits, kept_faults) = found["usual"], found["keeping"]
    assert found["kept"]
    assert kept_bits == bits
    assert kept_faults < faults / 2, (kept_faults, faults)
    assert found["after"] < found["held"]


@glibc
@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "GLIBC_TUNABLES"])
def test_what_a_user_has_set_stays(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "glibc.malloc.trim_threshold=200000" if name == "GLIBC_TUNABLES" else "200000")
    answer = "from aesweep.sweep.worker.memory import keep_freed_memory; print(str(keep_freed_memory()).lower())"
    assert run(answer) is False
