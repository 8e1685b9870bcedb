"""SIGTERM around Ray: Ray takes the signal for itself when it starts, and takes every handler away when it ends."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import ray
from ray._private import utils

from aesweep.cluster.scoped import replaced


@contextmanager
def sigterm_left_alone() -> Iterator[None]:
    """A handler of SIGTERM that this process has stays inside the `with` block.

    `ray.init` puts its own in its place, which ends the process with exit code 15 and without a word: also a sweep that
    would stop in order. Where there is none Ray's is better than the system's: it ends what it has started.

    Beneath Python, Ray's C++ code takes the signal as well: it calls our handler, and three seconds later it aborts the
    process by an alarm.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        yield
        return
    alarm = signal.getitimer(signal.ITIMER_REAL)
    with replaced(utils, "set_sigterm_handler", lambda handler: None):
        yield
    _handle_again()
    if not any(alarm):
        signal.alarm(0)  # of a signal that came meanwhile


def shut_down() -> None:
    """`ray.shutdown`, after which this process still has its handler of SIGTERM.

    Ray's C++ code resets the signal to the system's default before the processes that Ray started are ended, which takes
    seconds; Python is not told. So the handler is put back before that.
    """
    node: Any = ray._private.worker._global_node
    if node is None:
        ray.shutdown()
    else:
        end_processes = node.kill_all_processes

        def handled(*words: Any, **options: Any) -> Any:
            _handle_again()
            return end_processes(*words, **options)

        with replaced(node, "kill_all_processes", handled):
            ray.shutdown()
    _handle_again()


def _handle_again() -> None:
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.getsignal(signal.SIGTERM))
