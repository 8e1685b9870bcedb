"""A network as plain torch code: functions of tensors by name that need none of our classes.

Problem: a trained model is a module of ours, or of somebody's plug-in, and whoever gets it has torch alone.
Decision: `torch.export` records which operations of torch the encoder and the decoder carry out, and each of them becomes a
line of Python.
Consequence: every objective, normalisation and architecture is written the same way, none has to say how, and the code can be
read. What follows the data in its control flow cannot be written so, and is refused.
"""

import operator
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn
from torch.export import Dim, ExportedProgram, export
from torch.fx import Graph, GraphModule, Node
from torch.nn.utils import parametrize

from aesweep.models.errors import InputError
from aesweep.models.networks.autoencoder import Autoencoder
from aesweep.models.training.checkpoint import model_bytes, model_from_bytes

HEAD = '''"""The network, operation by operation, as `torch.export` recorded it. `w` holds the tensors of model.safetensors by name."""

import torch

aten = torch.ops.aten
'''
TRIED = 3  # images of the batch that is recorded
ARITHMETIC = {"add": "+", "sub": "-", "mul": "*", "floordiv": "//", "mod": "%"}
"""What is computed from the number of images."""


class Encoder(nn.Module):
    """Images (N, C, H, W) in [0, 1] -> the mean (N, Z), and the log variance (N, Z) where the encoder gives one."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """(mean,) or (mean, log variance)."""
        mean, log_variance = self.model.encode(x)
        return (mean,) if log_variance is None else (mean, log_variance)


class Decoder(nn.Module):
    """Latents (N, Z) -> pictures (N, C, H, W) in [0, 1]."""

    def __init__(self, model: Autoencoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, z: torch.Tensor) -> torch.Tensor:
        """The sigmoid of the logits."""
        return self.model.decode(z).sigmoid()


@dataclass(frozen=True)
class Network:
    """What `network_code` gives."""

    code: str
    """Python: `encode(w, x)` and `decode(w, z)`."""
    tensors: Mapping[str, torch.Tensor]
    """What `w` must hold: the tensors that the two functions use, float32 mostly."""


@dataclass(frozen=True)
class Half:
    """The encoder or the decoder of a trained model, and its operations."""

    name: str
    """`encode` or `decode`."""
    module: nn.Module
    size: tuple[int, ...]
    """Shape of one input."""
    program: ExportedProgram


def record_halves(model: Autoencoder) -> tuple[Half, ...]:
    """Both halves of a trained model. Raises `InputError` for a network that `torch.export` cannot record."""
    plain = without_parametrizations(model)
    return tuple(
        Half(name, module, size, recorded(module, size, model.config.name)) for name, module, size in parts_of(plain)
    )


def network_code(halves: Iterable[Half]) -> Network:
    """The encoder and the decoder as Python."""
    code, tensors = HEAD, dict[str, torch.Tensor]()
    for half in halves:
        function = _Function(half.name, "x" if half.name == "encode" else "z")
        code += "\n\n" + "\n".join(function.lines(half.program)) + "\n"
        tensors |= function.tensors
    return Network(code, tensors)


def parts_of(model: Autoencoder) -> tuple[tuple[str, nn.Module, tuple[int, ...]], ...]:
    """Name, module and shape of one input of both halves."""
    height, width, channels = model.config.image_shape
    image, latents = (channels, height, width), (model.config.latent_size,)
    return (("encode", Encoder(model), image), ("decode", Decoder(model), latents))


def largest_difference(expected: Iterable[torch.Tensor], found: Iterable[torch.Tensor]) -> float:
    """The largest difference of two outputs, in units of the largest number expected (at least 1); NaN where any is NaN."""
    worst = [(a - b).abs().max() / a.abs().max().clamp(min=1) for a, b in zip(expected, found, strict=True)]
    return float(torch.stack(worst).max())  # Python's max would drop a NaN that is not the first


def without_parametrizations(model: Autoencoder) -> Autoencoder:
    """A copy in eval mode whose weights are what the network uses: normalised kernels, not what they are computed from."""
    plain = model_from_bytes(model.config, model_bytes(model))  # a deep copy would share the class that is changed here
    for module in plain.modules():
        if parametrize.is_parametrized(module):
            for name in list(module.parametrizations):  # type: ignore[arg-type]  # a dict of modules
                parametrize.remove_parametrizations(module, name)
    return plain.requires_grad_(False)


def recorded(module: nn.Module, size: tuple[int, ...], name: str) -> ExportedProgram:
    """The operations of a module, for any number of inputs of this shape."""
    try:
        return export(module, (torch.rand(TRIED, *size),), dynamic_shapes=({0: Dim("n")},))
    except Exception as error:  # torch.export raises many kinds, with pages of text
        what = " ".join(str(error).split())[:200]
        raise InputError("KEY", name, f"torch.export cannot record its network: {what}") from error


@dataclass
class _Function:
    """One function in the making."""

    name: str
    argument: str
    tensors: dict[str, torch.Tensor] = field(default_factory=dict)
    _names: dict[Node, str] = field(default_factory=dict)
    """What a value is called in the code."""
    _stored: dict[str, tuple[str, torch.Tensor]] = field(default_factory=dict)
    """Placeholder of a weight -> its name in the file, and the weight."""

    def lines(self, program: ExportedProgram) -> list[str]:
        """The definition, line by line."""
        signature = program.graph_signature
        sources = {**signature.inputs_to_parameters, **signature.inputs_to_buffers}
        values = {**program.state_dict, **program.constants}
        sources |= signature.inputs_to_lifted_tensor_constants
        self._stored = {name: (source.removeprefix("model."), values[source]) for name, source in sources.items()}
        body, result = self._body(program.graph_module)
        if (
            program.call_spec.out_spec is not None and program.call_spec.out_spec.is_leaf()
        ):  # recorded as a tuple of one
            result = result.removeprefix("(").removesuffix(",)")
        return [f"def {self.name}(w, {self.argument}):", *body, f"    return {result}"]

    def _body(self, module: GraphModule, prefix: str = "") -> tuple[list[str], str]:
        """The statements of a graph whose inputs have names, and the expression that it returns."""
        lines, result = [], ""
        for node, last in _in_order(module.graph):
            if node.op == "placeholder":
                self._names.setdefault(node, self._input(node))
            elif node.op == "output":
                result = self._text(node.args[0])
            elif node.op == "call_function" and _is_block(node):
                lines += self._block(module, node, prefix)
            elif node.op == "call_function":
                self._names[node] = "h" if last else f"{prefix}{node.name}"
                lines.append(f"    {self._names[node]} = {self._call(node)}")
        return lines, result

    def _block(self, module: GraphModule, node: Node, prefix: str) -> list[str]:
        """What a network does without autocast, which is off here in any case."""
        block, given = node.args[4], node.args[5:]
        assert isinstance(block, Node) and isinstance(block.target, str)
        inner: Any = getattr(module, block.target)
        placeholders = [one for one in inner.graph.nodes if one.op == "placeholder"]
        self._names.update(zip(placeholders, map(self._text, given), strict=True))
        self._names[node] = f"{prefix}{node.name}"
        lines, result = self._body(inner, f"{prefix}{block.target}_")
        return [*lines, f"    {self._names[node]} = {result}"]

    def _input(self, node: Node) -> str:
        if node.name not in self._stored:
            return self.argument
        if not node.users:
            return ""
        name, value = self._stored[node.name]
        self.tensors[name] = value.detach().cpu().contiguous()
        return f"w[{name!r}]"

    def _call(self, node: Node) -> str:
        target: Any = node.target
        if target is operator.getitem:
            return f"{self._text(node.args[0])}[{node.args[1]}]"
        if getattr(target, "__module__", "") in ("_operator", "operator"):
            return f" {ARITHMETIC[target.__name__]} ".join(map(self._text, node.args))
        words = [*map(self._text, node.args), *(f"{k}={self._text(v)}" for k, v in node.kwargs.items())]
        return f"{target!s}({', '.join(words)})"  # such as aten.conv2d.default

    def _text(self, value: object) -> str:
        """A value of the graph as Python; a device is that of the input."""
        if isinstance(value, Node):
            return self._names[value]
        if isinstance(value, list | tuple):
            inner = "".join(f"{self._text(one)}, " for one in value)
            return f"({inner.removesuffix(' ')})" if isinstance(value, tuple) else f"[{inner.removesuffix(', ')}]"
        return f"{self.argument}.device" if isinstance(value, torch.device) else str(value)


def _in_order(graph: Graph) -> Iterator[tuple[Node, bool]]:
    """Each operation that has a use, and whether only the one that follows uses what it gives."""
    shown = [
        node for node in graph.nodes if node.op in ("placeholder", "output") or (node.users and not _is_check(node))
    ]
    for node, after in zip(shown, [*shown[1:], None], strict=True):
        yield node, after is not None and list(node.users) == [after] and not _is_block(after)


def _is_check(node: Node) -> bool:
    return str(node.target).startswith("aten._assert")


def _is_block(node: Node) -> bool:
    """Whether a node is a block of several operations that run without autocast."""
    return getattr(node.target, "__name__", "") == "wrap_with_autocast"
