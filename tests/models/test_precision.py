"""The precision used is the one asked for, or the best that the hardware computes in."""

from pathlib import Path

import pytest
import torch

from aesweep.models.errors import InputError
from aesweep.models.precision import autocast, choose_precision


@pytest.mark.parametrize("precision", ["bf16", "fp16", "fp32"])
def test_an_explicit_precision_is_used_as_it_is(precision: str) -> None:
    assert choose_precision(precision, "cpu") == precision


def test_auto_on_a_cpu_is_bf16_only_where_the_processor_has_it() -> None:
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if cpuinfo.is_file() else ""
    native = "avx512_bf16" in flags or "amx_tile" in flags
    assert choose_precision("auto", "cpu") == ("bf16" if native else "fp32")


def test_an_unknown_precision_is_refused_by_name() -> None:
    with pytest.raises(InputError, match="precision: 'int8'"):
        choose_precision("int8", "cpu")


@pytest.mark.parametrize(
    ("precision", "dtype"), [("bf16", torch.bfloat16), ("fp16", torch.float16), ("fp32", torch.float32)]
)
def test_autocast_computes_in_the_precision(precision: str, dtype: torch.dtype) -> None:
    with autocast("cpu", precision):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype


@pytest.mark.gpu
def test_auto_on_a_gpu_is_half_precision() -> None:
    assert choose_precision("auto", "cuda") in ("bf16", "fp16")
