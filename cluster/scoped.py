"""What holds inside a `with` block and no longer: another value of an attribute, a thread."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """Inside the `with` block the attribute `name` of a module, class or object has this value.

    For libraries that have no setting for it.
    """
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def in_background(work: Callable[[threading.Event], object]) -> Iterator[None]:
    """Inside the `with` block `work` runs in a thread. Its event is set when the block ends, which then waits for it."""
    ended = threading.Event()
    thread = threading.Thread(target=work, args=(ended,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
