"""Settings that several tests of metrics share."""

from collections.abc import Iterator

import pytest
from threadpoolctl import threadpool_limits


@pytest.fixture
def one_blas_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield
