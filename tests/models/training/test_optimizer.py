"""Adam's state between devices and versions, and its learning rate."""

import pytest
import torch

from aesweep.models.training.optimization import (
    ADAM_EPS,
    build_adam,
    load_optimizer_state,
    optimizer_state,
    set_learning_rate,
)

CPU = torch.device("cpu")
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def weight(device: str = "cpu") -> torch.nn.Parameter:
    return torch.nn.Parameter(torch.linspace(-1, 1, 5, device=device))


def train(parameter: torch.nn.Parameter, optimizer: torch.optim.Optimizer, steps: int) -> None:
    for _ in range(steps):
        (parameter**2).sum().backward()
        optimizer.step()
        optimizer.zero_grad()


def test_on_the_cpu_it_is_fused_adam_with_a_plain_number() -> None:
    ours, plain = weight(), weight()
    optimizer = build_adam([ours], CPU)
    set_learning_rate(optimizer, 0.01)
    train(ours, optimizer, 3)
    train(plain, torch.optim.Adam([plain], lr=0.01, eps=ADAM_EPS, fused=True), 3)
    assert torch.equal(ours, plain)


@pytest.mark.parametrize("device", DEVICES)
def test_a_new_learning_rate_counts_from_the_next_step(device: str) -> None:
    parameter = weight(device)
    optimizer = build_adam([parameter], torch.device(device))
    set_learning_rate(optimizer, 0.5)
    train(parameter, optimizer, 1)
    before = parameter.detach().clone()
    set_learning_rate(optimizer, 0.0)
    train(parameter, optimizer, 1)
    assert torch.equal(parameter, before) and not torch.equal(before, weight(device))


@pytest.mark.parametrize("device", DEVICES)
def test_a_state_holds_plain_numbers_beside_the_moments(device: str) -> None:
    parameter = weight(device)
    optimizer = build_adam([parameter], torch.device(device))
    set_learning_rate(optimizer, 0.25)
    train(parameter, optimizer, 1)
    state = optimizer_state(optimizer)
    (group,) = state["param_groups"]
    assert not any(isinstance(value, torch.Tensor) for value in group.values()) and group["lr"] == 0.25
    assert group.keys() == torch.optim.Adam([weight()]).state_dict()["param_groups"][0].keys()
    set_learning_rate(optimizer, 0.125)
    assert group["lr"] == 0.25


@pytest.mark.parametrize("device", DEVICES)
def test_the_state_of_a_version_without_graphs_goes_on(device: str) -> None:
    """Its group said `capturable: False`, held a number, and was read onto the CPU."""
    whole, half = weight(device), weight(device)
    optimizers = [build_adam([parameter], torch.device(device)) for parameter in (whole, half)]
    for optimizer in optimizers:
        set_learning_rate(optimizer, 0.01)
    train(whole, optimizers[0], 4)
    train(half, optimizers[1], 2)
    state = optimizer_state(optimizers[1])
    old = {
        "state": {0: {name: value.cpu() for name, value in state["state"][0].items()}},
        "param_groups": [{**state["param_groups"][0], "capturable": False, "lr": 1e-4}],
    }
    resumed = build_adam([half], torch.device(device))
    set_learning_rate(resumed, 0.01)
    load_optimizer_state(resumed, old)
    assert resumed.param_groups[0]["capturable"] == (device == "cuda")
    assert resumed.state[half]["step"].device == half.device
    train(half, resumed, 2)
    assert torch.equal(half, whole)
