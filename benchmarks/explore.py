"""`aesweep explore`: the page of many trials in a browser, and what live mode costs a server, a store and a training.

    OMP_NUM_THREADS=1 python benchmarks/explore.py [--trials 10000] [--browsers 5] [--rounds 5] [--seconds 60]

Needs Chromium with chromedriver, selenium and moto. The page holds `--trials` trials (2,000 settings with five seeds each), with
100 epochs, latents and pictures. Each of the `--browsers` is a fresh one, which loads the page and does what a reader does.
Live mode is measured on a store of `--stored` finished trials with real records. In each round as many fresh processes as there
are cores train for `--seconds`: without a page, with a server that is asked as an open page asks, and with a page that is open in
Chromium on this machine, in an order that changes. Writes explore-<hardware>-<date>.md.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from explore_parts.browsing import ACTIONS, VIEWS, Spent, visit, write_many
from explore_parts.serving import Asked, Server, followed, questions, requests_to_s3, served
from explore_parts.training import Speed, train_in_processes
from large_store import VERB, LargeStore
from large_store import run as run_verb
from page import REPOSITORY, footer, hardware, parser, today, write_page

from aesweep.cluster.capacity import allowed_cpus
from aesweep.models.config import TrialConfig
from aesweep.sweep.store.drivers import ProgressFile
from aesweep.sweep.store.records.launches import LaunchProgress, RunningTrial
from aesweep.sweep.store.store import open_store
from tests.analysis.browser.browser import started_browser
from tests.analysis.browser.explore_page import DESKTOP, TEN_THOUSAND
from tests.analysis.conftest import grid

NO_PAGE, ASKED, OPEN = "no page", "served, asked as by an open page", "open in Chromium on this machine"
Spread = Sequence[float]


def main() -> None:
    """Measure and write the page."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=10_000, help="of the page in a file, at most 10000")
    options.add_argument("--browsers", type=int, default=5, help="fresh ones")
    options.add_argument("--stored", type=int, default=1000, help="trials of the store that is served")
    options.add_argument("--questions", type=int, default=500)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=60.0, help="of a training")
    args = options.parse_args()
    load = os.getloadavg()[1]
    sections = [browsing(args), *living(args)]
    name = hardware()
    head = f"# The interactive page, {name} ({allowed_cpus()} cores), {today()}"
    tail = (
        f"The load average of five minutes was {load:.1f} before.\n{footer('selenium', 'torch', 'pandas', 'pyarrow')}"
    )
    write_page(args.out, "explore", name, "\n\n".join([head, *sections, tail]) + "\n")


def browsing(args: argparse.Namespace) -> str:
    """The page in a file."""
    with tempfile.TemporaryDirectory() as name:
        store, page = Path(name, "store"), Path(name, "explore.html")
        every = grid(**TEN_THOUSAND)
        trials = every[:: len(every) // args.trials][: args.trials]
        write_many(store, trials)
        with at_work(store, trials[0]):  # or it would make the tables again, from commits that are not there
            made = run_verb(REPOSITORY, VERB, "explore", str(store), "--out", str(page), folder=Path(name))
        size = page.stat().st_size / 1e6
        found = []
        for number in range(args.browsers):
            found.append(visit(page))
            say(f"browser {number + 1} of {args.browsers}")
    names = {"load": ["load"]} | {what: [f"{view}: {what}" for view in VIEWS] for what in ACTIONS}
    lines = [f"| {what} | {' | '.join(spent_line(found, name) for name in views)} |" for what, views in names.items()]
    lines[0] += " | |"
    return f"""## A page of {len(trials):,} trials

`aesweep explore` writes it in {made.wall:.1f} s ({made.cpu:.1f} s of CPU, {made.megabytes:,.0f} MB at most); the file has {size:.1f} MB.
Milliseconds in {len(found)} fresh browsers (Chromium) with a screen of {DESKTOP.width} by {DESKTOP.height} pixels: median, smallest and
largest in brackets. The wall clock ends when the frame with the result is handed to the screen, and so contains the wait for
that frame, up to 17 ms. CPU is that of the page's thread.

| what | {" | ".join(f"{view}: wall clock | CPU" for view in VIEWS)} |
|---|---|---|---|---|
{chr(10).join(lines)}"""


def spent_line(found: list[dict[str, Spent]], name: str) -> str:
    """The cells of one action."""
    return " | ".join(middle([one[name][i] for one in found]) for i in range(2))


def living(args: argparse.Namespace) -> Iterator[str]:
    """Live mode."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "root")
        folder.mkdir()
        large = LargeStore(folder, args.stored)
        large.write()
        run_verb(REPOSITORY, VERB, "tables", str(large.root), folder=Path(name))
        yield asking(args, large)
        yield training(args, large)


def asking(args: argparse.Namespace, large: LargeStore) -> str:
    """What questions cost the server and the store."""
    with at_work(large.root, large.trials[2]):
        found = questions(large, args.questions)
        requests = requests_to_s3(large.root.parent, 20)
    say("questions")
    lines = [f"| {what} | {asked_line(one)} |" for what, one in found.items()]
    return f"""## What a page that is open asks

A store of {args.stored:,} trials with one that runs, on the disk of this machine. An open page asks every five seconds what is new. The
first line is the mean of {args.questions} questions. On an object store each is {requests:.1f} requests to it. The second one happens as
often as a driver publishes tables, for at most a tenth of the time.

| question | wall-clock ms | CPU ms of the server | bytes of the answer |
|---|---|---|---|
{chr(10).join(lines)}"""


def asked_line(asked: Asked) -> str:
    """The cells of a question."""
    wall = "" if asked.milliseconds is None else f"{asked.milliseconds:,.2f}"
    return f"{wall} | {asked.cpu:,.2f} | {asked.sent:,.0f}"


def training(args: argparse.Namespace, large: LargeStore) -> str:
    """What an open page costs a training."""
    ways: dict[str, Callable[[], AbstractContextManager[Server | None]]] = {
        NO_PAGE: nullcontext,
        ASKED: lambda: _asked(large.root),
        OPEN: lambda: _open(large.root),
    }
    rounds: list[dict[str, Speed]] = []
    servers: dict[str, list[float]] = {}
    for number in range(args.rounds):
        order = [list(ways)[(number + place) % len(ways)] for place in range(len(ways))]
        one: dict[str, Speed] = {}
        for way in order:
            with ways[way]() as server:
                before, started = server.cpu() if server else 0.0, time.perf_counter()
                seed = 100 * (len(ways) * number + len(one))
                one[way] = train_in_processes(large.root, seed, allowed_cpus(), args.seconds)
                if server:
                    servers.setdefault(way, []).append(100 * (server.cpu() - before) / (time.perf_counter() - started))
            say(f"round {number + 1} of {args.rounds}, {way}: {one[way]}")
        rounds.append(one)
    lines = []
    for way in ways:
        speeds = [one[way].images_per_second for one in rounds]
        ratios = [[one[way][i] / one[NO_PAGE][i] for one in rounds] for i in range(2)]
        share = middle(servers[way], 2) if way in servers else ""
        cells = [f"{statistics.median(speeds):,.0f}", *(middle(ratio, 3) for ratio in ratios), share]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return f"""## What an open page costs a training

{allowed_cpus()} processes train digits for {args.seconds:g} s each, one thread per core; one of them says what runs and publishes the
tables, as a driver does. Medians of {args.rounds} rounds; ratios are those within a round, smallest and largest in brackets. Server and
Chromium have no cores of their own.

| page | images per second | speed against no page | CPU per image against no page | CPU of the server, % of a core |
|---|---|---|---|---|
{chr(10).join(lines)}"""


@contextmanager
def at_work(store: Path, trial: TrialConfig) -> Iterator[None]:
    """A driver that trains this trial, by what it says."""
    progress = ProgressFile(open_store(store))
    running = {trial.key: RunningTrial(name=trial.name, epoch=3, epochs=100, loss=0.6)}
    progress.write(LaunchProgress(running=running), force=True)
    progress.keep_fresh()
    try:
        yield
    finally:
        progress.remove()


@contextmanager
def _asked(store: Path) -> Iterator[Server]:
    with served(store) as server, followed(server):
        yield server


@contextmanager
def _open(store: Path) -> Iterator[Server]:
    with served(store) as server, tempfile.TemporaryDirectory() as profile, started_browser(Path(profile)) as browser:
        browser.open(server.url, DESKTOP)
        yield server


def middle(values: Spread, digits: int = 0) -> str:
    """Median, smallest and largest."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"


def say(text: str) -> None:
    """How far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
