"""How training minimises its loss: Adam.

Adam does the same arithmetic launched kernel by kernel and replayed from a CUDA graph. A graph repeats the numbers that were
passed when it was recorded, so on a GPU the learning rate is a float32 tensor there, filled in place, in steps of either kind.
The CPU keeps the number itself. Checkpoints hold the plain number in both cases.
"""

from collections.abc import Iterable
from typing import Any

import torch

ADAM_EPS = 1e-7  # Keras' default in TensorFlow 2.4; PyTorch's is 1e-8


def build_adam(parameters: Iterable[torch.nn.Parameter], device: torch.device) -> torch.optim.Adam:
    """Fused Adam where there is one; its learning rate is set before each epoch. `parameters` lie on `device`."""
    on_gpu = device.type == "cuda"
    return torch.optim.Adam(
        parameters,
        lr=torch.tensor(1e-3, device=device) if on_gpu else 1e-3,
        eps=ADAM_EPS,
        fused=device.type in ("cpu", "cuda"),
        capturable=on_gpu,  # to fused Adam it is but the permission: the count of steps lies on the device anyway
    )


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Use `rate` from the next step on, recorded steps too."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], torch.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def optimizer_state(optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """`optimizer.state_dict()` with the learning rate as a number, whatever device it is for."""
    state = optimizer.state_dict()
    groups = [{**group, "lr": float(group["lr"])} for group in state["param_groups"]]
    return {**state, "param_groups": groups}


def load_optimizer_state(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take the moments and counts of `state`, and leave what this device needs as `build_adam` made it.

    The state may come from another device, or from a version without graphs. Its tensors are new ones: a graph that was
    recorded before must not be replayed.
    """
    ours = [{name: group[name] for name in ("lr", "fused", "capturable")} for group in optimizer.param_groups]
    groups = [{**group, **kept} for group, kept in zip(state["param_groups"], ours, strict=True)]
    optimizer.load_state_dict({**state, "param_groups": groups})
