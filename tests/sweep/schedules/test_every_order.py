"""The promises of docs/store.md in every order of the steps of two and three processes, on a path and on S3."""

import logging
import os
from collections.abc import Iterator

import pytest

from tests.sweep.schedules.old_ways import OLD_WAYS, OldWay, found_out
from tests.sweep.schedules.sets import PAIRS, QUICK, STORAGES, TRIPLES, Set, explore, explorer
from tests.sweep.schedules.simulated import simulate

LARGER = tuple(
    Set(storage, "half trained", names)
    for storage in STORAGES
    for names in (
        ("train", "train otherwise", "score", "prune", "bad disk"),
        ("launch", "evaluate", "read", "clean up"),
        ("train", "score", "resume", "bad disk", "prune", "repair", "time"),
        ("train", "score", "tables", "tables again"),
        ("train", "train otherwise", "score", "forget", "prune", "read", "time"),
        ("launch", "train otherwise", "evaluate", "resume", "prune", "tables", "clean up", "read", "bad disk", "time"),
    )
)
QUICK_WALKS, WALKS = 200, int(os.environ.get("AESWEEP_SCHEDULES", "1000000"))
"""Random orders of all larger sets together."""
WITH_TABLES = 500
"""One in so many of them is of a set that publishes tables: some 40 of those take a second, and 250 to 1,400 of others."""
PARTS = 4


def walks(one: Set, count: int) -> int:
    """How many of `count` random orders are of this set."""
    has_tables = [one for one in LARGER if "tables" in one.names]
    if one in has_tables:
        return max(1, count // WITH_TABLES)
    return max(1, count // (len(LARGER) - len(has_tables)))


@pytest.fixture(autouse=True)
def _simulated(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    simulate(monkeypatch)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize("one", QUICK, ids=str)
def test_no_order_of_steps_breaks_a_promise(one: Set) -> None:
    found, bound = explore(one, most_states=100_000)
    assert bound.switches is None and found.schedules >= 10


@pytest.mark.parametrize("one", LARGER, ids=str)
def test_no_random_order_breaks_a_promise(one: Set) -> None:
    walk_many(one, range(QUICK_WALKS // len(LARGER)))


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(0)
@pytest.mark.parametrize("one", [*PAIRS, *TRIPLES], ids=str)
def test_no_order_of_more_steps_breaks_a_promise(one: Set) -> None:
    assert explore(one, deaths=1, losses=1)[0].complete


@pytest.mark.slow
@pytest.mark.faults
@pytest.mark.timeout(0)
@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("one", LARGER, ids=str)
def test_no_random_order_of_a_million_breaks_a_promise(one: Set, part: int) -> None:
    each = walks(one, WALKS) // PARTS
    walk_many(one, range(part * each, (part + 1) * each))


def walk_many(one: Set, numbers: range) -> None:
    """Random orders of these numbers; a third of them with deaths, a third with lost answers."""
    found = explorer(one)
    for number in numbers:
        found.walk(number, (0.1, 0.3, 0.7)[number % 7 % 3], 0.02 * (number % 3 == 1), 0.02 * (number % 3 == 2))


def test_an_order_is_replayed_by_its_number() -> None:
    steps = []
    for _ in range(2):
        again = explorer(LARGER[0])
        again.walk(42, 0.3)
        steps.append(again.trace())
    assert steps[0] == steps[1]


@pytest.mark.parametrize("way", OLD_WAYS, ids=lambda way: way.name)
def test_the_old_ways_are_found_out(way: OldWay) -> None:
    assert way.shows in found_out(way, explore)
