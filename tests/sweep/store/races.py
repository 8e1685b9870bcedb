"""Several drivers at once, on one store."""

import threading

from aesweep.sweep.store.storage import Storage

RACERS = 8


def assert_one_commit_wins(storage: Storage) -> None:
    """All commit other bytes to one name at once: one is told that it won, and its bytes stand there."""
    start = threading.Barrier(RACERS)
    won: list[int] = []

    def commit(number: int) -> None:
        start.wait()
        if storage.commit("train.json", str(number).encode() * 1000):
            won.append(number)

    threads = [threading.Thread(target=commit, args=(n,)) for n in range(RACERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert storage.read("train.json") == str(won[0]).encode() * 1000
