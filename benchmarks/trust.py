"""What hostile stores lead to: two thousand of them, each damaged in one way, and everything that one may do with a store.

The same as `pytest -m slow tests/sweep/store/mailed`, with counts by kind of file, damage and action on a page. Exit code 1
where anything was executed, touched outside the store, not told in two lines, or took more than 10 s of the processor, two
minutes by the clock, or 2,000 MB.
"""

import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from page import footer, hardware, parser, write_page

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.small_store import make_small_store
from tests.sweep.store.mailed.fuzz import Case, Found, Workshop, run_cases
from tests.sweep.store.mailed.sandbox import CLOCK_SECONDS, MEGABYTES, SECONDS

MOST_TOLD = 20  # stores in trouble that are shown


def main() -> int:
    """Look at every store and write the page."""
    options = parser(__doc__)
    options.add_argument("--stores", type=int, default=2_000)
    options.add_argument("--jobs", type=int, default=2)
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="trust-") as folder:
        root = Path(folder)
        os.environ.update(AESWEEP_DATA=str(root / "data"), XDG_STATE_HOME=str(root / "state"))
        store = Path(make_small_store(root / "store", root / "data"))
        workshop = Workshop(root, store, root / "data")
        started = time.monotonic()
        cases = run_cases(workshop, range(given.stores), given.jobs)
    write_page(given.out, "trust", hardware(), page(cases, time.monotonic() - started, given.jobs))
    return int(any(one.trouble for case in cases for one in case.found))


def page(cases: list[Case], seconds: float, jobs: int) -> str:
    """The whole page."""
    found = [(case, one) for case in cases for one in case.found]
    troubles = [(case, one) for case, one in found if one.trouble]
    slowest = sorted(found, key=lambda pair: -pair[1].seconds)[:5]
    largest = sorted(found, key=lambda pair: -pair[1].megabytes)[:5]
    lines = [
        "# Hostile stores",
        "",
        f"{len(cases):,} stores, each damaged in one of {len({(c.kind, c.name) for c in cases})} ways, and {len(found):,} actions on "
        f"them: {len(troubles)} ended otherwise than they may. {jobs} processes took {seconds / 60:.1f} minutes on {hardware()}.",
        "",
        "An action may return, be refused in two lines (exit code 2) or find a failure (1). It executes nothing, touches nothing "
        f"outside the store (an audit hook, inotify and a comparison watch), and takes at most {SECONDS} s of the processor and "
        f"{MEGABYTES:,} MB of resident memory, and of address space, beyond what the process began with. These limits hold for every "
        f"action; one that only waits is ended after {CLOCK_SECONDS} s by the clock. Peaks and "
        "seconds are those of each action alone, without what the watches take.",
        "",
        *_table("action", Counter(one.action for _, one in found), found, lambda case, one: one.action),
        *_table("file", Counter(case.kind for case, _ in found), found, lambda case, one: case.kind),
        *_table("damage", Counter(case.name for case, _ in found), found, lambda case, one: case.name),
        "| slowest | s of the processor |", "|---|---|",
        *(f"| {one.action}, {_plain(case)} | {one.seconds:.1f} |" for case, one in slowest),
        "",
        "| most memory | peak, MB |", "|---|---|",
        *(f"| {one.action}, {_plain(case)} | {one.megabytes:,.0f} |" for case, one in largest),
        "",
        *(f"- store {case.seed}, {_plain(case)}, {one.action}: `{one.trouble.strip().splitlines()[-1][:200]}`"
          for case, one in troubles[:MOST_TOLD]),
        "",
        footer("torch", "pyarrow", "pydantic", "matplotlib"),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _plain(case: Case) -> str:
    return f"{case.name} in the {case.kind}"


def _table(
    head: str, counts: Counter[str], found: list[tuple[Case, Found]], group: Callable[[Case, Found], str]
) -> list[str]:
    """Actions by exit code for each member of a group."""
    rows = [f"| {head} | actions | 0 | 1 | 2 | trouble |", "|---|---|---|---|---|---|"]
    codes = Counter((group(case, one), one.code) for case, one in found)
    for name in sorted(counts):
        ended = " | ".join(str(codes[name, code]) for code in (0, 1, 2, None))
        rows.append(f"| {name} | {counts[name]} | {ended} |")
    return [*rows, ""]


if __name__ == "__main__":
    sys.exit(main())
