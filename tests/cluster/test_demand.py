"""What waits is asked for, and what is not needed any more is given back."""

from collections.abc import Iterator

import pytest
from ray.util import placement_group_table

from aesweep.cluster.demand import MOST, Demand
from tests.waiting import wait_until

HUGE = {"CPU": 100_000.0}
HUGE_TOO = {"CPU": 200_000.0}


@pytest.fixture
def demand(ray_cluster: None) -> Iterator[Demand]:
    demand = Demand()
    yield demand
    demand.ask([])
    wait_until(lambda: not _asked(), 20, "nothing is asked for")


def _asked(state: str = "PENDING") -> list[dict[int, dict[str, float]]]:
    """The bundles of the placement groups in a state, of the tests' Ray."""
    return [group["bundles"] for group in placement_group_table().values() if group["state"] == state]


def test_each_bundle_waits_until_it_is_not_asked_for_any_more(demand: Demand) -> None:
    demand.ask([HUGE, HUGE, HUGE_TOO])
    assert sorted(_asked(), key=str) == [{0: HUGE}, {0: HUGE}, {0: HUGE_TOO}]
    before = set(placement_group_table())
    demand.ask([HUGE])
    wait_until(lambda: _asked() == [{0: HUGE}], 20, "one is left")
    demand.ask([HUGE, HUGE_TOO])
    assert sorted(_asked(), key=str) == [{0: HUGE}, {0: HUGE_TOO}]
    assert before.intersection(_pending_names()), "the one that stayed was not asked for anew"
    demand.ask([])
    wait_until(lambda: not _asked(), 20, "nothing is left")


def _pending_names() -> set[str]:
    return {name for name, group in placement_group_table().items() if group["state"] != "REMOVED"}


def test_a_bundle_that_found_room_gives_it_back(demand: Demand) -> None:
    small = {"CPU": 0.01}
    demand.ask([small])
    wait_until(lambda: {0: small} in _asked("CREATED"), 20, "there is room")
    demand.ask([HUGE])
    wait_until(lambda: {0: small} not in _asked("CREATED"), 20, "the room is free")


def test_a_sweep_of_thousands_asks_for_its_next_ones_alone(demand: Demand) -> None:
    demand.ask(HUGE for _ in range(5000))
    assert len(_asked()) == MOST
