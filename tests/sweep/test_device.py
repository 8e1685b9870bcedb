"""What a worker says of its device, and which errors a process survives."""

import pytest
import torch

from aesweep.sweep.store.records.attempts import TrainingSettings
from aesweep.sweep.worker.device import (
    describe_device,
    free_memory,
    is_out_of_memory,
    limit_memory,
    plain_name,
    poisons_process,
)


@pytest.mark.parametrize("name", ["Prozessor® für Größeres\n", "x" * 300, "", describe_device(torch.device("cpu"))])
def test_any_name_of_a_device_can_be_recorded(name: str) -> None:
    rest = {"threads": 1, "precision_used": "fp32", "torch_version": "2", "compile": False, "deterministic": False}
    assert TrainingSettings.model_validate({"device": plain_name(name), **rest}).device == plain_name(name)


def test_a_usual_name_is_recorded_as_it_is() -> None:
    assert plain_name("AMD EPYC 9R14 96-Core (R) @ 2.6GHz") == "AMD EPYC 9R14 96-Core (R) @ 2.6GHz"


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


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_trial_that_takes_more_than_its_part_of_the_memory_is_told_so_and_the_next_one_may_take_all() -> None:
    device, allowed = torch.device("cuda"), 2**28
    assert "0.3 of" in limit_memory(device, 0.001, allowed)
    with pytest.raises(torch.OutOfMemoryError):
        torch.empty(2 * allowed, dtype=torch.uint8, device=device)
    limit_memory(device, 0.9, allowed)
    torch.empty(2 * allowed, dtype=torch.uint8, device=device)
    free_memory()
