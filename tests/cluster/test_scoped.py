"""What holds inside a `with` block ends with it, also where the block raises."""

import threading
from types import SimpleNamespace

import pytest

from aesweep.cluster.scoped import in_background, replaced


def test_an_attribute_has_its_old_value_after_an_error() -> None:
    owner = SimpleNamespace(limit=1)
    with pytest.raises(KeyError, match="2"), replaced(owner, "limit", 2):
        raise KeyError(owner.limit)
    assert owner.limit == 1


def test_an_attribute_that_a_library_renamed_is_an_error() -> None:
    """Instead of a new one that nobody reads."""
    owner = SimpleNamespace()
    with pytest.raises(AttributeError), replaced(owner, "limit", 2):
        pass
    assert vars(owner) == {}


def test_a_block_that_raises_ends_its_thread() -> None:
    begun, done = threading.Event(), threading.Event()

    def work(ended: threading.Event) -> None:
        begun.set()
        ended.wait()
        done.set()

    with pytest.raises(KeyError, match="True"), in_background(work):
        raise KeyError(begun.wait(10))
    assert done.is_set()
