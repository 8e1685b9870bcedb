"""The encoder and the decoder as ONNX files, each compared with torch before it counts."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterable
from importlib.util import find_spec

import torch

from aesweep.models.errors import InputError
from aesweep.sweep.export.network_code import Half, largest_difference

PACKAGES = ("onnx", "onnxscript", "onnxruntime")
TOLERANCE = 1e-4
"""Largest difference from torch, in units of the largest output of each kind: float32 through some ten layers differs by 1e-6."""
BATCHES = (1, 5)  # numbers of inputs that are compared
SEED = 0
FILES = {"encode": "encoder.onnx", "decode": "decoder.onnx"}


def require_onnx() -> None:
    """Raise `InputError` where a library that `onnx_files` needs is missing."""
    if missing := [name for name in PACKAGES if find_spec(name) is None]:
        remedy = (
            f"{', '.join(missing)} not installed here. Run `pip install {' '.join(missing)}`, or leave the option out."
        )
        raise InputError("--onnx", True, remedy)


def onnx_files(halves: Iterable[Half], trial: str) -> tuple[dict[str, bytes], float]:
    """`encoder.onnx` and `decoder.onnx`, and the largest difference from torch that was found.

    Raises `InputError` for a network that ONNX cannot express, and for one whose outputs differ by more than `TOLERANCE`.
    """
    files, worst = {}, 0.0
    for half in halves:
        data = _converted(half.program, half.name, trial)
        difference = _difference(data, half.module, half.size)
        if not difference <= TOLERANCE:  # NaN is not
            remedy = f"onnxruntime differs from torch by {difference:.1e}. Export it without --onnx."
            raise InputError("--onnx", trial, remedy)
        files[FILES[half.name]], worst = data, max(worst, difference)
    return files, worst


def _converted(program: torch.export.ExportedProgram, name: str, trial: str) -> bytes:
    """The bytes of an ONNX file. The exporter prints its progress, and warns of what we do not use."""
    inputs, outputs = (["images"], ["mean", "log_variance"]) if name == "encode" else (["latents"], ["images"])
    count = len(program.graph_signature.user_outputs)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            made = torch.onnx.export(
                program,
                input_names=inputs,
                output_names=outputs[:count],
                dynamic_shapes=({0: "n"},),  # the name of the axis; the program has it as a symbol such as s77
                dynamo=True,
                verbose=False,
            )
        assert made is not None
        return bytes(made.model_proto.SerializeToString())
    except Exception as error:  # the exporter's own kinds; protobuf's for more than 2 GB
        what = " ".join(str(error).split())[:200]
        raise InputError("--onnx", trial, f"ONNX cannot express its network: {what}") from error


def _difference(data: bytes, module: torch.nn.Module, size: tuple[int, ...]) -> float:
    """The largest difference of outputs from torch's, in units of the largest."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    (argument,) = session.get_inputs()
    generator, expected, found = torch.Generator().manual_seed(SEED), list[torch.Tensor](), list[torch.Tensor]()
    for n in BATCHES:
        x = torch.rand(n, *size, generator=generator)
        with torch.inference_mode():
            outputs = module(x)
        expected += outputs if isinstance(outputs, tuple) else (outputs,)
        found += map(torch.from_numpy, session.run(None, {argument.name: x.numpy()}))
    return largest_difference(expected, found)
