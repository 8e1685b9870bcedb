"""Write the page to a file: which pictures and logs it contains, and where the file may be."""

import os
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import numpy as np

from aesweep.analysis.errors import ReportError
from aesweep.analysis.explore.document import Document
from aesweep.analysis.explore.latents import Latents
from aesweep.analysis.page_files import write_whole
from aesweep.analysis.pictures import png_uri
from aesweep.sweep.store.beneath import Beneath, again

MOST_PICTURE_CHARACTERS = 16_000_000
"""Limit for the pictures that the page contains as data URIs; those of further trials are links, if the store is a folder."""
MOST_LOGS = 500
MOST_LATENTS = 200
"""Trials, the best first, whose latents the page contains."""
FINISHED = ("done", "trained")


class Trials(Protocol):
    """The pictures and logs of a store's trials."""

    def pictures(self, key: str) -> dict[str, str]:
        """File -> title."""

    def picture(self, key: str, name: str) -> bytes | None:
        """The PNG of one picture; None if it is missing."""

    def place(self, key: str, name: str) -> str:
        """The path of a picture in the store."""

    def log(self, key: str) -> str:
        """The end of a trial's log."""

    def latents(self, keys: Collection[str]) -> dict[str, Latents]:
        """Points in two latent units, of the trials that have any."""


def parts_of_trials(document: Document, trials: Trials, link: Callable[[str], str] | None) -> dict[str, Any]:
    """For each key the pictures (title and source), the log and the latents, in the page's format.

    The pictures and the latents of the best trials are embedded.
    `link` gives the path from the page to a file of the store; None if there is none.
    """
    keys = document["keys"]
    logged = set(_keys_with_logs(document))
    room = MOST_PICTURE_CHARACTERS
    found: dict[str, Any] = {}
    ordered = [keys[place] for place in _best_first(document)]
    latents = trials.latents(ordered[:MOST_LATENTS])
    for key in ordered:
        pictures = trials.pictures(key) if room > 0 or link else {}
        embedded = _embedded(trials, key, pictures, room) if room > 0 else None
        sources = embedded or {}
        room = 0 if embedded is None else room - sum(map(len, sources.values()))
        if link and not sources:
            sources = {name: link(trials.place(key, name)) for name in pictures}
        shown = [{"title": pictures[name], "source": source} for name, source in sources.items()]
        log = trials.log(key) if key in logged else ""
        if shown or log or key in latents:
            found[key] = {"pictures": shown, "log": log, "latents": latents.get(key)}
    return found


def _embedded(trials: Trials, key: str, pictures: Iterable[str], room: int) -> dict[str, str] | None:
    """Each picture as a data URI; None if they have more characters than there is `room` for."""
    found: dict[str, str] = {}
    for name in pictures:
        png = trials.picture(key, name)
        if png is not None and len(png) > room:
            return None
        if png is not None:
            found[name] = png_uri(png)
            room -= len(found[name])
    return found if room >= 0 else None


def link_from(page: Path, store: Path) -> Callable[[str], str]:
    """The path from a page to a file of the store, as an address."""
    return lambda name: quote(os.fsencode(os.path.relpath(store / name, page.parent)))


def check_place(page: Path, store: Path | None) -> None:
    """Raise `ReportError` for a file that the page must not replace."""
    if store is not None and page.is_relative_to(store) and not page.is_relative_to(store / "report"):
        remedy = "The store keeps its own files there. Give a file in STORE/report, or outside the store."
        raise ReportError("--out", page, remedy)
    if page.is_dir():
        raise ReportError("--out", page, "That is a folder. Give the name of a file in it, such as explore.html.")


def write_page(page: Path, text: str, store: Path | None) -> None:
    """Write the page in one step. No link inside the store is followed. Raises `ReportError` where it cannot be written."""
    base = store if store is not None and page.is_relative_to(store) else page.parent
    files, name = Beneath(base), page.relative_to(base).as_posix()
    try:
        with files.folder(name.rpartition("/")[0], make=True):
            pass
        again(lambda: write_whole(files, name, text.encode()))
    except OSError as error:
        remedy = f"It cannot be written ({error.strerror}). Give a file in a folder that you may write to, without links in it."
        raise ReportError("--out", page, remedy) from error


def _best_first(document: Document) -> list[int]:
    """Indices of the trials, the best first by the measure that the page shows first; those without a value last."""
    measure = next((one for one in document["measures"] if one["name"] == document["first"]["y"]), None)
    if measure is None:
        return list(range(len(document["keys"])))
    values = np.array([np.nan if value is None else value for value in measure["values"]])
    order = np.argsort(values if measure["lower"] is not False else -values, kind="stable")
    return [int(place) for place in order]


def _keys_with_logs(document: Document) -> list[str]:
    """Keys of the trials whose logs the page contains; failed and unfinished trials come first."""
    state = next(field for field in document["fields"] if field["name"] == "state")
    codes = state["codes"] or [0] * len(document["keys"])
    finished = [code >= 0 and state["values"][code] in FINISHED for code in codes] if state["values"] else []
    ordered = sorted(zip(finished, document["keys"], strict=False), key=lambda pair: pair[0])
    return [key for _, key in ordered[:MOST_LOGS]]
