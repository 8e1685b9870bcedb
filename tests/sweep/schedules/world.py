"""The files of a store in memory, and what one step of a process makes of them.

A step is one call of the system (on a path) or one request (on S3). It is a tuple: its name, then its arguments. The same
step in the same world always does the same, so each is worked out once (`Worlds.after`).
"""

import errno
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

Call = tuple[Any, ...]
Answer = Hashable
BLOCKED = "blocked"
"""The answer to a step that cannot happen yet: somebody else has the lock."""


class Handle(NamedTuple):
    """An open folder. It stays the same folder when its path leads elsewhere."""

    store: str
    folder: str
    number: int


@dataclass
class Tree:
    """The files and folders of one store."""

    files: dict[str, tuple[bytes | None, int]] = field(default_factory=dict)
    """Content, None once it was removed, and how often the file was written."""
    folders: dict[str, int] = field(default_factory=dict)
    """How often the folder was made; negative while it is not there."""

    def copy(self) -> "Tree":
        """One that can be changed."""
        return Tree(dict(self.files), dict(self.folders))

    def key(self) -> Hashable:
        """Equal for equal trees."""
        return frozenset(self.files.items()), frozenset(self.folders.items())

    def content(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is none."""
        return self.files.get(name, (None, 0))[0]

    def there(self) -> Iterator[tuple[str, int, int]]:
        """Name, length and version of every file; the length of a folder is -1."""
        yield from ((name, len(data), number) for name, (data, number) in self.files.items() if data is not None)
        yield from ((name, -1, self.changes(name)) for name, number in self.folders.items() if number > 0)

    def changes(self, folder: str) -> int:
        """How often an entry of a folder was made, written or removed: its time of change. Temporary files do not count."""
        inner = [(name, 2 * n - (data is not None)) for name, (data, n) in self.files.items() if "/.tmp-" not in name]
        inner += [(name, abs(number)) for name, number in self.folders.items()]
        return sum(number for name, number in inner if name.rpartition("/")[0] == folder)

    def put(self, name: str, data: bytes | None) -> None:
        """Write a file, or remove it."""
        number = self.files.get(name, (None, 0))[1]
        if data is None and "/.tmp-" in f"/{name}":  # such a name is used once
            self.files.pop(name, None)
        else:
            self.files[name] = (data, number + (data is not None))

    def has_folder(self, folder: str) -> bool:
        """Whether a folder was made and not removed."""
        return not folder or self.folders.get(folder, 0) > 0

    # System calls on a path, or from an open folder

    def do_read_at(self, at: Handle, name: str) -> Answer:
        return self.content(_joined(at, name))

    def do_stat_at(self, at: Handle, name: str) -> Answer:
        return self.do_stat(_joined(at, name))

    def do_make_at(self, at: Handle, folder: str) -> Answer:
        return self.do_make(folder)

    def do_list_at(self, at: Handle, folder: str) -> Answer:
        return self.do_list(folder)

    def do_rmdir_at(self, at: Handle, folder: str) -> Answer:
        return self.do_rmdir(folder)

    def do_open_at(self, at: Handle, folder: str) -> Answer:
        return Handle(at.store, folder, self.folders.get(folder, 0)) if self.has_folder(folder) else errno.ENOENT

    def do_make(self, folder: str) -> Answer:
        while folder and self.folders.get(folder, 0) <= 0:
            self.folders[folder] = 1 - self.folders.get(folder, 0)
            folder = folder.rpartition("/")[0]
        return None

    def do_read(self, name: str) -> Answer:
        data = self.content(name)
        return b"" if data is None and self.has_folder(name) else data  # a folder reads as an empty, damaged file

    def do_stat(self, name: str) -> Answer:
        data, number = self.files.get(name, (None, 0))
        return (len(data), number) if data is not None else (-1, self.changes(name)) if self.has_folder(name) else None

    def do_list(self, folder: str) -> Answer:
        if not self.has_folder(folder):
            return None
        start = f"{folder}/" if folder else ""
        below = [(name[len(start) :], size, n) for name, size, n in self.there() if name.startswith(start)]
        return tuple(sorted(one for one in below if "/" not in one[0]))

    def do_create(self, at: Handle, name: str, data: bytes) -> Answer:
        if at.folder and self.folders.get(at.folder, 0) != at.number:
            return errno.ENOENT
        self.put(_joined(at, name), data)
        return None

    def do_append(self, at: Handle, name: str, data: bytes) -> Answer:
        return self.do_create(at, name, (self.content(_joined(at, name)) or b"") + data)

    def do_rename(self, at: Handle, name: str, last: str) -> Answer:
        data = self.content(_joined(at, name))
        if data is None:
            return errno.ENOENT
        self.put(_joined(at, name), None)
        self.put(_joined(at, last), data)
        return None

    def do_link(self, at: Handle, name: str, last: str) -> Answer:
        data = self.content(_joined(at, name))
        if data is None:
            return errno.ENOENT
        if self.content(_joined(at, last)) is not None:
            return errno.EEXIST
        self.put(_joined(at, last), data)
        return None

    def do_unlink(self, at: Handle, name: str) -> Answer:
        if self.content(_joined(at, name)) is None:
            return errno.ENOENT
        self.put(_joined(at, name), None)
        return None

    def do_rmdir(self, folder: str) -> Answer:
        if not self.has_folder(folder):
            return errno.ENOENT
        if self.do_list(folder):
            return errno.ENOTEMPTY
        self.folders[folder] = -self.folders[folder]
        return None

    # Requests to an object store; a folder is a marker, or the beginning of an object's name

    def do_get(self, name: str) -> Answer:
        return self.content(name)

    def do_head(self, name: str) -> Answer:
        data, number = self.files.get(name, (None, 0))
        if data is not None:
            return len(data), number
        start = f"{name}/" if name else ""
        return (-1, 0) if self.has_folder(name) or any(n.startswith(start) for n, *_ in self.there()) else None

    def do_objects(self, folder: str) -> Answer:
        start = f"{folder}/" if folder else ""
        found = {name: (size, number) for name, size, number in self.there() if name.startswith(start)}
        for name in list(found):
            while len(name := name.rpartition("/")[0]) > len(start) and name not in found:
                found[name] = (-1, 0)
        return tuple(sorted((name, *about) for name, about in found.items()))

    def do_put(self, name: str, data: bytes, condition: str = "", tag: str = "") -> Answer:
        there = self.content(name)
        if condition == "IfNoneMatch" and there is not None:
            return 412
        if condition == "IfMatch" and (there is None or tag_of(there) != tag):
            return 404 if there is None else 412
        self.put(name, data)
        return None

    def do_delete(self, name: str) -> Answer:
        if self.content(name) is None and not self.has_folder(name):
            return errno.ENOENT
        if self.content(name) is not None:
            self.put(name, None)
        if self.folders.get(name, 0) > 0:
            self.folders[name] = -self.folders[name]
        self.do_make(name.rpartition("/")[0])  # pyarrow's next request: the folder stays when its last object goes
        return None

    def damage(self, name: str) -> None:
        """What no process does: a disk cuts a commit short."""
        data = self.content(name)
        if data is not None and b'"vacant"' not in data:
            self.put(name, data[:-30])


@dataclass
class World:
    """Everything that processes share: the store at its path, another one, the lock and the time."""

    trees: dict[str, Tree] = field(default_factory=lambda: {"ours": Tree(), "other": Tree()})
    here: str = "ours"
    """The store that the path leads to."""
    lock: str = ""
    clock: int = 0
    memory: Hashable = ()
    """What whoever looks at every step remembers."""

    @property
    def ours(self) -> Tree:
        """The store that all processes began with."""
        return self.trees["ours"]

    def key(self) -> Hashable:
        """Equal for equal worlds."""
        return self.trees["ours"].key(), self.trees["other"].key(), self.here, self.lock, self.clock, self.memory

    def step(self, call: Call) -> tuple[Answer, "World"]:
        """The answer to a step, and the world after it."""
        name, *words = call
        if (own := getattr(self, f"do_{name}", None)) is not None:
            world = replace(self)
            return getattr(world, own.__name__)(*words), world
        store = words[0].store if words and isinstance(words[0], Handle) else self.here
        tree = self.trees[store].copy()
        answer = getattr(tree, f"do_{name}")(*words)
        return answer, replace(self, trees={**self.trees, store: tree})

    def do_open(self, folder: str) -> Answer:
        tree = self.trees[self.here]
        return Handle(self.here, folder, tree.folders.get(folder, 0)) if tree.has_folder(folder) else errno.ENOENT

    def do_damage(self, name: str) -> Answer:
        tree = self.ours.copy()
        tree.damage(name)
        self.trees = {**self.trees, "ours": tree}
        return None

    def do_time(self) -> Answer:
        return self.clock

    def do_wait(self, seconds: int) -> Answer:
        self.clock += seconds
        return None

    def do_swap(self) -> Answer:
        self.here = "other" if self.here == "ours" else "ours"
        return None

    def do_lock(self, who: str) -> Answer:
        if self.lock:
            return BLOCKED
        self.lock = who
        return None

    def do_unlock(self) -> Answer:
        self.lock = ""
        return None


class Worlds:
    """All worlds that were met, by number, and where a step leads from each."""

    def __init__(self) -> None:
        self.all: list[World] = []
        self._numbers: dict[Hashable, int] = {}
        self._after: dict[tuple[int, Call], tuple[Answer, int]] = {}

    def number(self, world: World) -> int:
        """The number of a world; nobody may change it from now on."""
        number = self._numbers.setdefault(world.key(), len(self.all))
        if number == len(self.all):
            self.all.append(world)
        return number

    def after(self, number: int, call: Call) -> tuple[Answer, int]:
        """The answer to a step in a world, and the world after it."""
        found = self._after.get((number, call))
        if found is None:
            answer, world = self.all[number].step(call)
            found = self._after[number, call] = (answer, self.number(world))
        return found

    def remembering(self, number: int, memory: Hashable) -> int:
        """The world with this memory."""
        world = self.all[number]
        return number if world.memory == memory else self.number(replace(world, memory=memory))

    def without(self, number: int, who: str) -> int:
        """The world after the death of a process, whose lock comes back."""
        world = self.all[number]
        return self.number(replace(world, lock="")) if world.lock == who else number


def tag_of(data: bytes) -> str:
    """The ETag of an object, which its content alone decides."""
    return str(hash(data))


def _joined(at: Handle, name: str) -> str:
    return f"{at.folder}/{name}" if at.folder else name
