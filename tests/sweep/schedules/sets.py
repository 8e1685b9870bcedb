"""Which processes work together, on which storage, from which beginning."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import NamedTuple

from tests.sweep.schedules.explorer import Bound, Explorer, Found
from tests.sweep.schedules.processes import BAD_DISKS, MARK_BYTES, PROCESSES, begin, chosen
from tests.sweep.schedules.promises import look, look_at_end

STORAGES = ("path", "S3")
MOST_STATES = 20_000
MOST_WITH_DEATHS = 1_000_000
SWITCHES = 2


class Set(NamedTuple):
    """Some processes at once."""

    storage: str
    beginning: str
    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.storage}, {self.beginning}: {' + '.join(self.names)}"


def explorer(one: Set) -> Explorer:
    """What explores a set."""
    mark = b"" if "swap" in one.names else MARK_BYTES
    return Explorer(chosen(one.names), one.storage, begin(one.storage, one.beginning), mark, look, look_at_end)


def explore(one: Set, deaths: int = 0, losses: int = 0, most_states: int = MOST_STATES) -> tuple[Found, Bound]:
    """Every order where there are no more states than that, or every order with at most `SWITCHES`; which of them.

    Where even those are too many, nobody dies and no answer is lost: pairs and random orders are left to show that.
    """
    bounds = (
        Bound(None, deaths, losses, most_states),
        Bound(SWITCHES, deaths, losses, MOST_WITH_DEATHS),
        Bound(SWITCHES),
    )
    for bound in bounds:
        found = explorer(one).explore(bound)
        if found.complete:
            break
    return found, bound


def sets_of(storages: Sequence[str], beginnings: Sequence[str], count: int) -> Iterator[Set]:
    """All sets of so many processes of which at least two change something together."""
    for storage in storages:
        for beginning in beginnings:
            for names in combinations(PROCESSES, count):
                if not set(names) >= set(BAD_DISKS) and not (storage == "S3" and "swap" in names):
                    yield Set(storage, beginning, names)


PAIRS = tuple(sets_of(STORAGES, ("half trained", "trained", "scored"), 2))
TRIPLES = tuple(
    Set(storage, beginning, names)
    for storage in STORAGES
    for beginning, names in (
        ("half trained", ("train", "train otherwise", "prune")),
        ("half trained", ("train", "train otherwise", "score")),
        ("half trained", ("train", "launch", "prune")),
        ("half trained", ("launch", "prune", "time")),
        ("new", ("launch", "clean up", "time")),
        ("trained", ("score", "evaluate", "prune")),
        ("trained", ("resume", "train", "bad disk")),
        ("trained", ("read", "train", "bad disk")),
        ("trained", ("score", "prune", "bad disk")),
        ("trained", ("score", "repair", "bad disk")),
        ("trained", ("train", "repair", "bad disk")),
        ("trained", ("score", "tables", "tables again")),
        ("scored", ("resume", "score", "bad disk under scores")),
        ("scored", ("tables", "tables again", "bad disk under scores")),
        ("half trained", ("train", "train otherwise", "forget")),
        ("trained", ("score", "prune", "forget")),
    )
)
SWAPPED = Set("path", "trained", ("score", "swap"))
QUICK = (
    SWAPPED,
    Set("path", "trained", ("forget", "swap")),
    Set("S3", "half trained", ("train", "forget")),  # on a path they have more states than are quick
    Set("S3", "trained", ("score", "forget")),
    *(
        Set(storage, beginning, names)
        for storage in STORAGES
        for beginning, names in (
            ("new", ("train", "train otherwise")),
            ("new", ("train", "prune")),
            ("new", ("launch", "clean up")),
            ("half trained", ("train", "clean up")),
            ("trained", ("score", "read")),
            ("trained", ("score", "bad disk")),
            ("trained", ("resume", "train", "bad disk")),
        )
    ),
)
