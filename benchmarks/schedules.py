"""The promises of docs/store.md in every order of the steps of pairs of processes, and in random orders of larger sets.

    python benchmarks/schedules.py [--walks 1000000] [--most-states 20000] [--pairs 0] [--processes 2] [--out docs/benchmarks]

Explores each pair and triple of tests/sweep/schedules/sets.py with one death and one lost answer, walks through the larger
sets at random, and puts each old defect back. Writes schedules-<hardware>-<date>.md.
"""

import logging
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pytest
from page import footer, hardware, in_processes, parser, write_page

from tests.sweep.schedules.explorer import Bound, Found
from tests.sweep.schedules.old_ways import OLD_WAYS, found_out
from tests.sweep.schedules.sets import PAIRS, SWITCHES, TRIPLES, Set, explore, explorer
from tests.sweep.schedules.simulated import simulate
from tests.sweep.schedules.test_every_order import LARGER, walk_many, walks


def main() -> None:
    """Explore, and write the page."""
    options = parser(__doc__)
    options.add_argument("--walks", type=int, default=1_000_000)
    options.add_argument("--most-states", type=int, default=20_000)
    options.add_argument("--pairs", type=int, default=0, help="only the first so many sets; 0 for all")
    options.add_argument("--processes", type=int, default=2)
    args = options.parse_args()
    logging.disable(logging.CRITICAL)
    with pytest.MonkeyPatch.context() as patch:
        simulate(patch)
        sets = (*PAIRS, *TRIPLES)[: args.pairs or None]
        lines = [
            *every_order(sets, args.most_states, args.processes),
            *random_orders(args.walks, args.processes),
            *old_ways(),
        ]
    name = hardware()
    page = [
        "# Schedules of the commit protocol",
        "",
        f"On {name}, {args.processes} processes.",
        "",
        *lines,
        "",
        footer("pydantic"),
    ]
    write_page(args.out, "schedules", name, "\n".join(page))


def every_order(sets: Sequence[Set], most_states: int, processes: int) -> list[str]:
    """All orders of pairs and triples."""
    started, whole, undisturbed, total = time.monotonic(), 0, 0, Found()
    look = partial(explore, deaths=1, losses=1, most_states=most_states)
    for one, (found, bound) in zip(sets, in_processes(look, sets, processes), strict=True):
        assert found.complete, one
        whole += bound.switches is None
        undisturbed += not bound.deaths
        total.add(found)
    return [
        f"Of {len(sets)} pairs and triples of processes, {whole} were explored in every order of their steps, and the others "
        f"in every order with at most {SWITCHES} switches; one process may die and one answer may be lost, except in the "
        f"{undisturbed} largest sets.",
        "",
        f"{total.states:,} states, {total.steps:,} steps between them, at most {total.longest} steps in a row, the code of a "
        f"process run {total.runs:,} times, {time.monotonic() - started:.0f} s. Complete orders through these states: "
        f"{total.schedules:.2g}. No promise was broken.",
        "",
    ]


def random_orders(count: int, processes: int) -> list[str]:
    """Random orders of larger sets, each followed step by step from its beginning to its end."""
    lines = ["| random orders | of | seconds |", "|---|---|---|"]
    for one, seconds in zip(LARGER, in_processes(partial(_walk, count), LARGER, processes), strict=True):
        lines.append(f"| {walks(one, count):,} | {one} | {seconds:.1f} |")
    return [*lines, ""]


def _walk(count: int, one: Set) -> float:
    """Seconds for the random orders of one set."""
    started = time.monotonic()
    walk_many(one, range(walks(one, count)))
    return time.monotonic() - started


def old_ways() -> list[str]:
    """Every defect, put back, and after how many states it is found."""
    lines = ["| defect that was put back | in | found after states |", "|---|---|---|"]
    for way in OLD_WAYS:
        seen: list[int] = []

        def look(one: object, seen: list[int] = seen, way: object = way) -> None:
            found = explorer(one)  # type: ignore[arg-type]
            try:
                found.explore(Bound())
            finally:
                seen.append(len(found._seen))

        assert way.shows in found_out(way, look)
        lines.append(f"| {way.name} | {way.where} | {seen[0]:,} |")
    return lines


if __name__ == "__main__":
    main()
