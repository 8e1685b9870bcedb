"""What a sweep would use if there were more machines, said so that Ray's autoscaler hears it.

Problem: an autoscaler starts machines for work that waits in Ray. The driver hands Ray no more than fits (resources.py), so
none ever waits there.
Decision: one placement group for each trial that waits, which cannot be placed, since it asks for whole CPUs and all places
are taken.
Consequence: what is asked for ends with the driver, however it ends. `ray.autoscaler.sdk.request_resources` would stay until
somebody took it back, and the machines with it.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import islice

from ray.util import placement_group, placement_group_table, remove_placement_group
from ray.util.placement_group import PlacementGroup

MOST = 256
"""Groups at once: more than an autoscaler starts machines for in one go. What waits behind them is asked for later."""

_Bundle = tuple[tuple[str, float], ...]


class Demand:
    """Bundles that this process would fill; an autoscaler that can starts machines for them. Without one they do nothing."""

    def __init__(self) -> None:
        self._asked: list[tuple[_Bundle, PlacementGroup]] = []

    def ask(self, bundles: Iterable[Mapping[str, float]]) -> None:
        """Ask for these (the first 256 of them) and for nothing else any more."""
        wanted = Counter(tuple(sorted(bundle.items())) for bundle in islice(bundles, MOST))
        groups = placement_group_table() if self._asked else {}
        placed = {name for name, group in groups.items() if group["state"] == "CREATED"}
        kept = []
        for bundle, group in self._asked:
            if wanted[bundle] and group.id.hex() not in placed:  # a placed one holds room that a trial could use
                wanted[bundle] -= 1
                kept.append((bundle, group))
            else:
                remove_placement_group(group)
        self._asked = kept + [(bundle, placement_group([dict(bundle)])) for bundle in wanted.elements()]
