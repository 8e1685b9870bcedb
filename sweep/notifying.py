"""Tells somebody that a sweep has ended: a command gets the message as JSON on its input, a URL as a JSON POST.

The message has a `text`, which is what Slack and its like show; its other fields are for programs. Whether it arrives decides
nothing: what fails is a warning. The address of a webhook is a password, so it is never printed or kept.
"""

import ipaddress
import json
import shlex
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev
from typing import Any
from urllib.parse import urlsplit

from rich.console import Console

from aesweep.models.config import TrialConfig
from aesweep.models.errors import InputError, one_line
from aesweep.sweep.driver.outcome import Outcome
from aesweep.sweep.driver.progress import describe_counts, describe_seconds
from aesweep.sweep.spec.sweep_spec import SweepSpec
from aesweep.sweep.store.layout import table_name
from aesweep.sweep.store.store import Store

SECONDS = 30.0
"""How long a command or a server may take."""
MOST_FAILURES = 10
DISTANCES = ("fid", "fd")
PAGE = "report/index.html"


@dataclass(frozen=True)
class Notifier:
    """Where messages go; "" for nowhere. Raises `InputError` at construction for what cannot be told anything."""

    target: str = ""

    def __post_init__(self) -> None:
        if self._is_url and not _can_be_asked(self.target):
            remedy = "The URL cannot be read. Give one with a host, without spaces, and with other letters than ASCII's as %XX."
            raise InputError("--notify", "…", remedy)
        if not self.target or self._is_url:
            return
        try:
            words = shlex.split(self.target)
        except ValueError as error:
            raise InputError("--notify", self.target, f"It is no command ({error}). Close its quotes.") from error
        if not words or "://" in words[0]:
            raise InputError("--notify", "…", "Give a command, or a URL that begins with http:// or https://.")
        if shutil.which(words[0]) is None:
            raise InputError("--notify", words[0], "There is no such program here. Give a command that can be run.")

    @property
    def _is_url(self) -> bool:
        return self.target.startswith(("http://", "https://"))

    def watch(
        self, store: Store, spec: SweepSpec, console: Console, again: str, work: Callable[[], Outcome]
    ) -> Outcome:
        """Do the work of a launch, and tell how it ended; what the work raises is told and raised again.

        `again` is the command that continues it.
        """
        started = time.monotonic()
        try:
            outcome = work()
        except Exception as error:
            why = " ".join(str(error).splitlines()) or type(error).__name__
            self._tell(lambda: gave_up(store, spec, why, again, time.monotonic() - started), console)
            raise
        self._tell(lambda: ended(store, spec, outcome, again, time.monotonic() - started), console)
        return outcome

    def _tell(self, message: Callable[[], Mapping[str, object]], console: Console) -> None:
        """Make a message and send it, or warn why that failed. Raises nothing: the exit code says how the sweep ended."""
        if not self.target:
            return
        try:
            data = json.dumps(message()).encode()
            self._post(data) if self._is_url else self._run(data)
        except Exception as error:
            where = urlsplit(self.target).hostname if self._is_url else shlex.split(self.target)[0]
            warning = f"Nobody was told: --notify {one_line(str(where))}: {one_line(_reason(error))}"
            console.print(warning, style="yellow", highlight=False, markup=False, soft_wrap=True)

    def _run(self, data: bytes) -> None:
        subprocess.run(
            shlex.split(self.target),
            input=data,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=SECONDS,
            check=True,
        )

    def _post(self, data: bytes) -> None:
        asked = urllib.request.Request(self.target, data, {"Content-Type": "application/json"})
        # A proxy cannot reach this machine's own addresses, and many a `no_proxy` leaves them out.
        proxies = [urllib.request.ProxyHandler({})] if _is_this_machine(urlsplit(self.target).hostname or "") else []
        with urllib.request.build_opener(*proxies).open(asked, timeout=SECONDS):
            pass


def _can_be_asked(url: str) -> bool:
    """Whether a request can be made of a URL: `urllib` says so no earlier than when the sweep has ended."""
    try:
        parts = urlsplit(url)
        has_place = bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    words = f"{parts.path}?{parts.query}"
    return has_place and words.isascii() and url.isprintable() and " " not in url


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _reason(error: Exception) -> str:
    """Why a message did not arrive, without the address, which some errors name."""
    if isinstance(error, subprocess.CalledProcessError):
        said = error.stderr.decode(errors="replace").strip().splitlines()
        return f"exit code {error.returncode}" + (f" ({said[-1]})" if said else "")
    if isinstance(error, subprocess.TimeoutExpired):
        return f"it took more than {SECONDS:.0f} s"
    if isinstance(error, urllib.error.HTTPError):
        return f"the server answered {error.code}"
    if isinstance(error, urllib.error.URLError):
        return f"the server does not answer ({type(error.reason).__name__})"
    return type(error).__name__


def ended(store: Store, spec: SweepSpec, outcome: Outcome, again: str, seconds: float) -> dict[str, object]:
    """The message of a launch that ended or was stopped."""
    state = _state(outcome)
    best = best_setting(_scores(store), [config for config, _ in spec.trials])
    lines = [f"{spec.name}: {state} after {describe_seconds(seconds)}, {describe_counts(outcome.counts)}."]
    if best is not None:
        error = f" ± {best['stderr']:.2g}" if best["stderr"] is not None else ""
        seeds = f"{best['seeds']} seed{'s' * (best['seeds'] != 1)}"
        lines.append(
            f"Best: {best['setting']}, {best['metric']} {best['value']:.4g}{error} ({best['source']}, {seeds})."
        )
    lines += [f"Failed: {name}: {one_line(reason)[:200]}" for name, reason in outcome.failures[:MOST_FAILURES]]
    is_over = state in ("done", "failed")
    lines.append(f"Next: {f'aesweep report {shlex.quote(store.root)}' if is_over else again}")
    return {
        **_about(store, spec, state, lines),
        "counts": dict(outcome.counts),
        "best": best,
        "failures": [{"name": name, "reason": reason} for name, reason in outcome.failures],
        "seconds": seconds,
    }


def _state(outcome: Outcome) -> str:
    if outcome.interrupted:
        return "stopped"
    if outcome.is_unfinished:
        return "unfinished"
    return "failed" if outcome.failures else "done"


def gave_up(store: Store, spec: SweepSpec, why: str, again: str, seconds: float) -> dict[str, object]:
    """The message of a launch that an error ended: Ray died, or the store cannot be written to."""
    lines = [
        f"{spec.name}: gave up after {describe_seconds(seconds)}: {one_line(why)}",
        f"Next: {again}",
    ]
    return {**_about(store, spec, "gave up", lines), "error": why, "seconds": seconds}


def _about(store: Store, spec: SweepSpec, state: str, lines: list[str]) -> dict[str, object]:
    page = store.storage.place(PAGE) if state != "gave up" and store.storage.exists(PAGE) else None
    return {"text": "\n".join(lines), "sweep": spec.name, "store": store.root, "state": state, "report": page}


def best_setting(rows: Iterable[Mapping[str, Any]], configs: Sequence[TrialConfig]) -> dict[str, Any] | None:
    """The setting and prior with the lowest mean distance over training seeds, from rows of `scores`; None without any.

    Only settings with as many seeds as any has count, as in the report: one lucky seed is no best.
    """
    settings = {config.key: replace(config, seed=0).key for config in configs}
    values: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        setting = settings.get(row["key"])
        fits = row["metric"] in DISTANCES and row["source"] != "reconstruction" and row["value"] is not None
        if setting is not None and fits:
            values[setting, row["source"], row["metric"]][row["key"]].append(row["value"])
    if not values:
        return None
    most = max(len(seeds) for seeds in values.values())
    means = {place: [fmean(v) for v in seeds.values()] for place, seeds in values.items() if len(seeds) == most}
    (setting, source, metric), found = min(means.items(), key=lambda item: fmean(item[1]))
    config = next(one for one in configs if settings[one.key] == setting)
    name = config.name.removesuffix(f"-s{config.seed}-{config.key}")
    stderr = stdev(found) / most**0.5 if most > 1 else None
    return {"setting": name, "source": source, "metric": metric, "value": fmean(found), "stderr": stderr, "seeds": most}


def _scores(store: Store) -> Iterator[dict[str, Any]]:
    """The rows of the evaluation that the latest launch asked for, read part by part: a large store has millions."""
    import pyarrow.compute as pc

    from aesweep.sweep.tables.reading import TableInParts  # pyarrow from here on

    file = store.storage.open(table_name("scores"))
    if file is None:
        return
    asked = pc.field("evaluation") == store.trials.latest_evaluation()
    with file:
        for group in TableInParts("scores", file).groups(["key", "evaluation", "source", "metric", "value"]):
            yield from group.filter(asked).to_pylist()
