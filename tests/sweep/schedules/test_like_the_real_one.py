"""The simulated disk and object store answer like real ones: the same random calls, then the same answers and files."""

import random
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aesweep.sweep.store.layout import MARK
from aesweep.sweep.store.on_disk import LocalStorage
from aesweep.sweep.store.on_s3 import ObjectStorage
from aesweep.sweep.store.storage import FOLDER, Storage, is_folder, size_of
from tests.sweep.schedules.simulated import RUNNING, STORAGES, simulate
from tests.sweep.schedules.world import Answer, World

FILES = ("a.json", "b/c.json", "b/d/e.json", "b/d/f.json", "g/h/i.json")
FOLDERS = ("b", "b/d", "g", "g/h", "k")
NAMES = (*FILES, *FOLDERS, "", "b/no", "b/c.json/no")
CALLS = 40
Call = tuple[str, tuple[Any, ...]]


class Alone:
    """The only process of a simulated world: whatever it asks happens at once."""

    def __init__(self) -> None:
        self.world = World()

    def do(self, *call: Any) -> Answer:
        """One step."""
        answer, self.world = self.world.step(call)
        return answer


class Comparable:
    """What a storage answers, as the other kind would say it: errors by kind, versions by which are the same."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self._seen: dict[tuple[str, str], int] = {}

    def call(self, method: str, words: tuple[Any, ...]) -> object:
        """Answer to one call."""
        try:
            answer = getattr(self.storage, method)(*words)
        except OSError as error:
            return type(error).__name__
        if method == "version":
            return answer and self._version(words[0], answer)
        if method == "listing":
            return {name: self._version(name, version) for name, version in sorted(answer.items())}
        return answer

    def files(self) -> dict[str, bytes | None]:
        """Every file, and every folder without one (None)."""
        listed = self.storage.listing("", 9)
        found = {name: None if is_folder(version) else self.storage.read(name) for name, version in listed.items()}
        for name in FOLDERS:
            if self.storage.exists(name):
                found.setdefault(name, None)
        return found

    def _version(self, name: str, version: str) -> object:
        if is_folder(version) and self.storage.folder is not None:
            return FOLDER  # two changes of a real folder may be too close for its time to differ
        number = self._seen.setdefault((name, version), len(self._seen))
        return number if is_folder(version) else (size_of(version), number)


def random_calls(chance: random.Random) -> list[Call]:
    """Calls as processes make them: no file is where others have a folder, and no two contents are the same."""
    written: dict[str, list[bytes]] = {name: [b"none"] for name in FILES}
    calls: list[Call] = []

    def new(name: str) -> bytes:
        data = bytes(len(calls) + 1)
        written[name].append(data)
        return data

    def found(name: str) -> bytes:
        return chance.choice(written[name][-2:])

    makers: dict[str, Callable[[str], tuple[Any, ...]]] = {
        "write": lambda name: (name, new(name)),
        "commit": lambda name: (name, new(name)),
        "replace": lambda name: (name, found(name), chance.choice([None, new(name)])),
        "set_aside": lambda name: (name, found(name), chance.choice([None, new(name)])),
        "remove": lambda name: (name,),
    }
    looks = ("read", "exists", "version", "names")
    for _ in range(CALLS):
        kind = chance.choice(
            [*makers, *makers, *looks, "listing", "make_folder", "remove_folder", "temporary", "append"]
        )
        if kind in makers:
            calls.append((kind, makers[kind](chance.choice(FILES))))
        elif kind in looks:
            calls.append((kind, (chance.choice(NAMES),)))
        elif kind == "listing":
            calls.append((kind, (chance.choice(("", *FOLDERS)), chance.randint(1, 4))))
        elif kind == "append":
            calls.append((kind, ("b/log.txt", "line\n" * (len(calls) + 1))))
        else:
            calls.append((kind, () if kind == "temporary" else (chance.choice(FOLDERS),)))
    return calls


@pytest.mark.parametrize(
    ("kind", "seeds"),
    [
        ("path", range(10)),
        ("S3", range(1, 2)),  # here folders lose their last file; each call takes some requests
        pytest.param("path", range(10, 500), marks=pytest.mark.slow),
        pytest.param("S3", range(2, 20), marks=pytest.mark.slow),
    ],
    ids=["path", "S3", "path, more", "S3, more"],
)
def test_the_simulation_answers_like_a_real_storage(
    kind: str, seeds: range, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = request.getfixturevalue("uri") if kind == "S3" else str(tmp_path)
    word = uuid.uuid4
    simulate(monkeypatch)
    RUNNING.word = word
    for seed in seeds:
        RUNNING.do = Alone().do
        place = f"{root}/{seed}"
        real = Comparable(ObjectStorage(place) if kind == "S3" else LocalStorage(place, MARK))
        simulated = Comparable(STORAGES[kind](RUNNING.do, "alone", b""))
        done: list[Call] = []
        for method, words in [("write", (MARK, b"{}")), *random_calls(random.Random(seed))]:
            done.append((method, words))
            expected, found = real.call(method, words), simulated.call(method, words)
            assert found == expected, f"sequence {seed}: the last of {done}"
        assert simulated.files() == real.files(), f"sequence {seed}: {done}"
