"""Convolutions of split numbers, in Triton's interpreter; on a GPU: test_on_gpu.py."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from aesweep.evaluation.networks.tensor_cores import Halves


def run_interpreted(*arguments: str) -> dict[str, Any]:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-m", "tests.evaluation.networks.interpreted_kernels", *arguments]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


@pytest.fixture(scope="module")
def interpreted() -> dict[str, Any]:
    return run_interpreted()


def test_a_float32_number_survives_as_two_halves_to_22_bits() -> None:
    x = torch.randn(100_000, generator=torch.Generator().manual_seed(0)) * torch.logspace(-3, 4, 100_000)
    split = Halves.of(x)
    assert split.high.dtype == split.low.dtype == torch.float16
    smallest = 2**-24 / 2048  # the last bit that the low half can have
    assert ((split.float() - x).abs() <= 2**-22 * x.abs() + smallest / 2).all()


def test_numbers_beyond_float16_are_seen_as_not_finite() -> None:
    assert not Halves.of(torch.tensor([1e5, -1e6, float("inf")])).float().isfinite().any()


def test_convolutions_are_as_near_to_float64_as_float32(interpreted: dict[str, Any]) -> None:
    assert len(interpreted["convolution"]) == 4
    for layer, error in interpreted["convolution"].items():
        assert error < 3e-6, layer


def test_pools_and_concatenation_lose_nothing(interpreted: dict[str, Any]) -> None:
    assert len(interpreted["pool"]) == 5
    for operation, error in interpreted["pool"].items():
        assert error < 1e-6, operation


def test_what_float16_cannot_hold_does_not_become_a_number(interpreted: dict[str, Any]) -> None:
    assert interpreted["survives"] == {"too large": True, "not a number": True}


@pytest.mark.slow
def test_all_of_inception_is_as_near_as_float32_and_where_sums_are_rounded_nothing_is_lost() -> None:
    found = run_interpreted("whole")
    assert found["network"] < 1e-5
    assert abs(found["loss"]) < 1e-8
