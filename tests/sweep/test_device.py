"""Which errors a process survives."""

import pytest
import torch

from aesweep.sweep.worker.device import is_out_of_memory, poisons_process


@pytest.mark.parametrize(
    ("error", "poisons"),
    [
        (torch.AcceleratorError("CUDA error: an illegal memory access was encountered"), True),
        (RuntimeError("CUDA error: device-side assert triggered"), True),
        (RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), True),
        (RuntimeError("Triton Error [CUDA]: an illegal memory access was encountered"), True),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"), False),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
        (ValueError("CUDA error, says a value"), False),
    ],
)
def test_only_an_error_after_which_no_call_works_ends_the_process(error: BaseException, poisons: bool) -> None:
    assert poisons_process(error) == poisons
    assert is_out_of_memory(error) == isinstance(error, torch.OutOfMemoryError)
