"""Everything that a person may do with a store of somebody else, and what must hold of how it ends."""

import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from aesweep.analysis.axes.layout import Wishes
from aesweep.analysis.errors import ReportError
from aesweep.models.errors import InputError
from aesweep.sweep.cli import app
from aesweep.sweep.commands.explore.live_page import LivePage
from aesweep.sweep.evaluation_job import EvaluationJob
from aesweep.sweep.load import load_data, load_model, load_prior
from aesweep.sweep.spec.execution import ExecutionConfig
from aesweep.sweep.store.storage import StorageError
from aesweep.sweep.store.store import open_store
from aesweep.sweep.worker import evaluation_stages
from aesweep.sweep.worker.training_attempt import TrainingAttempt
from tests.in_process import Ended, run_aesweep
from tests.small_store import DONE, FAILED, HALF
from tests.sweep.store.mailed.sandbox import ADDRESSES
from tests.sweep.store.mailed.values import MARK

NOBODY = f"{ADDRESSES[0]}:1"
"""The address of no Ray cluster: a launch ends there, after all that it reads before."""


@dataclass(frozen=True)
class Place:
    """Where an action works."""

    store: Path
    out: Path
    """Folder for pictures and reports."""
    data: Path
    """The reader's data folder."""
    spec: Path
    """A spec of the reader's own, with the trials of the store."""
    sound: Path
    """A store of the reader's own, with the same trials, of which one more is trained."""


Action = Callable[[Place], int]
"""Gives the exit code."""


def _verb(*words: str) -> Action:
    """A verb of the command line; `{store}` and the like stand for the place's."""

    def act(place: Place) -> int:
        ended = run_aesweep(*(word.format(**vars(place)) for word in words))
        require_clear(ended)
        if "--json" in words and ended.code != 2:
            strict_json(ended.out)
        return ended.code

    return act


def _call(function: Callable[[Place], Any]) -> Action:
    """A function of the Python interface: it returns, or says in an `InputError` why not."""

    def act(place: Place) -> int:
        said = ""
        try:
            function(place)
        except (InputError, StorageError, ReportError) as error:
            said = str(error)
        assert all(line.isprintable() for line in said.split("\n")), said
        return 2 if said else 0

    return act


def _recorded(function: Callable[[Place], Any]) -> Action:
    """What a worker does for a trial: its errors become the trial's failure, but it takes no memory without end."""

    def act(place: Place) -> int:
        try:
            function(place)
        except MemoryError:
            raise
        except Exception:
            return 1
        return 0

    return act


def _resume_training(place: Place) -> None:
    TrainingAttempt(open_store(place.store), HALF, ExecutionConfig(data_dir=str(place.data), device="cpu")).start()


def _read_references(place: Place) -> None:
    store, execution = open_store(place.store), ExecutionConfig(data_dir=str(place.data), device="cpu")
    spec = replace(store.trials.stored_specs()[-1], execution=execution)
    attempt = store.attempts.new(DONE.key, "evaluate", "x")
    evaluation_stages.references(EvaluationJob(store.root, DONE.key, attempt, spec.evaluation_config(), execution))


def _report(place: Place) -> int:
    """The report is drawn, and none of its files is a program for whoever opens it."""
    folder = place.out / "report"
    ended = run_aesweep("report", place.store, "--out", folder)
    require_clear(ended)
    for path in folder.rglob("*") if not ended.code else ():
        if path.is_file():
            require_harmless(path)
    return ended.code


def _explore(place: Place) -> int:
    """The page is written, and holds nothing of the store as markup."""
    page = place.out / "explore.html"
    ended = run_aesweep("explore", place.store, "--out", page)
    require_clear(ended)
    if not ended.code:
        require_harmless(page)
    return ended.code


def _merge_from(place: Place) -> int:
    """What is copied into a store of the reader's own is sound there."""
    own = place.out / "merged"
    open_store(own, create=True)
    ended = run_aesweep("merge", own, place.store)
    require_clear(ended)
    verified = run_aesweep("verify", own)
    assert not verified.code, verified.out
    return ended.code


def _export(place: Place) -> int:
    """The folder is written whole, and its card holds nothing of the store as markup."""
    folder = place.out / "export"
    ended = run_aesweep("export", place.store, DONE.key, "--to", folder)
    require_clear(ended)
    if ended.code:
        assert not folder.exists()
    else:
        require_harmless(folder / "README.md")
    return ended.code


def _every_address(place: Place) -> None:
    """What a served page asks for, once each."""
    with TemporaryDirectory(dir=place.out) as folder:
        page = LivePage(open_store(place.store).only_looking(), Path(folder), Wishes())
        for path, query in (
            ("", {}),
            ("now.json", {}),
            ("data.json", {}),
            ("curves.json", {"keys": f"{DONE.key},{HALF.key}"}),
        ):
            assert page.find(path, query) is not None
        for key in (DONE.key, HALF.key, FAILED.key):
            page.find("decoded.png", {"key": key})
            found = page.find("trial.json", {"key": key})
            for picture in strict_json(found.body.decode())["pictures"] if found else ():
                page.find(picture["source"], {})


ACTIONS: dict[str, Action] = {
    "status": _verb("status", "{store}"),
    "status --json": _verb("status", "{store}", "--json", "--all"),
    "list": _verb("list", "{store}", "--sort", "gmm"),
    "list --json": _verb("list", "{store}", "--json"),
    "plan": _verb("plan", "{spec}", "--store", "{store}"),
    "tables": _verb("tables", "{store}"),
    "prune": _verb("prune", "{store}"),
    "prune --damaged": _verb("prune", "{store}", "--damaged"),
    "prune --dry-run": _verb("prune", "{store}", "--dry-run"),
    "verify": _verb("verify", "{store}"),
    "verify --repair": _verb("verify", "{store}", "--repair"),
    "stop": _verb("stop", "{store}"),
    "forget": _verb("forget", "{store}", DONE.key, "--yes"),
    "forget a spec": _verb("forget", "{store}", "small", "--yes"),
    "why": _verb("why", "{store}", DONE.key),
    "why --json": _verb("why", "{store}", DONE.key, "--json"),
    "diff": _verb("diff", "{store}", "{sound}"),
    "diff --json": _verb("diff", "{sound}", "{store}", "--json"),
    "merge": _verb("merge", "{store}", "{sound}"),
    "merge from it": _merge_from,
    "sample": _verb("sample", "{store}", DONE.key[:8], "-n", "4", "--prior", "mvg", "--out", "{out}/picture.png"),
    "sample --reconstruct": _verb("sample", "{store}", DONE.key, "-n", "4", "--reconstruct", "--data", "{data}", "--out", "{out}/r.png"),
    "sample --interpolate": _verb("sample", "{store}", DONE.key, "-n", "4", "--interpolate", "--out", "{out}/i.png"),
    "launch": _verb("launch", "{spec}", "--store", "{store}", "--address", NOBODY),
    "resume": _verb("resume", "{store}", "--address", NOBODY),
    "resume --all": _verb("resume", "{store}", "--all", "--retry-failed", "--address", NOBODY),
    "evaluate": _verb("evaluate", "{store}", "--samples", "60", "--address", NOBODY),
    "export": _export,
    "report": _report,
    "explore": _explore,
    "explore --serve": _call(_every_address),
    "open_store": _call(lambda place: open_store(place.store).trials.stored_specs(every=True)),
    "load_model": _call(lambda place: load_model(place.store, DONE.key)),
    "load_prior": _call(lambda place: load_prior(place.store, DONE.key, "gmm").sample(5, 0)),
    "load_data": _call(lambda place: load_data(place.store, DONE.key)),
    "resume a training": _recorded(_resume_training),
    "read references": _recorded(_read_references),
}  # fmt: skip
"""Name -> action. The first word of a verb's name is the verb."""
OF_NO_STORE = {"fetch", "doctor", "render", "wait"}
"""Verbs that read no store; `doctor --store` only writes a file and removes it."""
SLOW = ("report",)
"""A second of drawing and more: these are done with fewer stores."""


def verbs() -> set[str]:
    """The verbs of the command line that take a store."""
    return set(typer.main.get_command(app).commands) - OF_NO_STORE  # type: ignore[attr-defined]


def require_clear(ended: Ended) -> None:
    """Exit code 0, 1 or 2; two lines where it was refused; nothing that a terminal takes for a command."""
    shown = f"{ended.out}\n{ended.err}"
    assert ended.code in (0, 1, 2), (ended.code, ended.err)
    assert all(line.isprintable() for line in shown.replace("\t", " ").split("\n")), shown[-2000:]
    assert "Traceback" not in shown and "aesweep stopped" not in shown, shown[-2000:]
    if ended.code == 2:
        last = Ended(2, "", "\n".join(ended.err.removesuffix("\n").split("\n")[-2:]))  # a launch says more before it
        assert last.is_refused_clearly, ended.err


def strict_json(text: str) -> Any:
    """JSON without NaN and infinities."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


_COMMANDS = {
    ".html": re.compile(rf"<script>{MARK}|<[a-z]+[^<>]*\son[a-z]+={MARK}|href=\"?javascript:"),
    ".csv": re.compile(rf"(^|[,\n\r])\"?[=+@\-\t\r]+[^,\n]*{MARK}", re.MULTILINE),
    ".tex": re.compile(rf"(?<!\\)\\(input|write18|begin\{{verbatim)[^\n]*{MARK}"),
    ".md": re.compile(rf"<script>{MARK}"),
}


def require_harmless(path: Path) -> None:
    """What comes from the store is escaped as this kind of file asks for."""
    pattern = _COMMANDS.get(path.suffix)
    if pattern is not None:
        text = path.read_text(encoding="utf-8")
        found = pattern.search(text)
        assert found is None, (path.name, text[max(0, found.start() - 100) : found.end() + 100])
        assert path.suffix == ".html" or all(line.replace("\t", " ").isprintable() for line in text.split("\n")), (
            os.fspath(path)
        )
