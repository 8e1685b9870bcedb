"""Which number format the network runs in. Weights, loss and latents are fp32 in every one of them.

`auto` takes half precision only where the hardware computes in it: an emulated bf16 is slower than fp32.
"""

from typing import Literal, get_args

import torch

from aesweep.models.errors import InputError

UsedPrecision = Literal["bf16", "fp16", "fp32"]
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


def choose_precision(requested: str, device: torch.device | str) -> UsedPrecision:
    """The precision to train in: `requested`, or for "auto" bf16 where native, else fp16 (GPU) or fp32 (CPU).

    Raises `InputError` for an unknown name.
    """
    if requested in get_args(UsedPrecision):
        return requested  # type: ignore[return-value]
    if requested != "auto":
        raise InputError("precision", requested, "Choose one of: auto, bf16, fp16, fp32.")
    device = torch.device(device)
    if device.type == "cuda":
        with torch.cuda.device(device):
            # Without this argument torch says yes for cards that only emulate bf16 (an RTX 2080 Ti, for instance).
            return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    # in hardware, by AVX512-BF16 or AMX
    cpu_has_bf16 = torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return "bf16" if device.type == "cpu" and cpu_has_bf16 else "fp32"


def autocast(device: torch.device | str, precision: str) -> torch.autocast:
    """The context in which the forward pass runs; does nothing for fp32."""
    return torch.autocast(torch.device(device).type, dtype=_DTYPES[precision], enabled=precision != "fp32")
