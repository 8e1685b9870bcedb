"""Fixtures of the models' tests."""

from collections.abc import Iterator

import pytest
import torch


@pytest.fixture
def deterministic_kernels() -> Iterator[None]:
    torch.use_deterministic_algorithms(True)
    yield
    torch.use_deterministic_algorithms(False)
