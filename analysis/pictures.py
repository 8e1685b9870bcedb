"""The sample grids that a store holds next to its tables, as rows of the page.

`trials.pictures` names a folder under the store. The name comes from a data file, so it is followed only inside the
store and only to PNG files. With few trials the page shows every grid; with many it shows the best and the worst of
each group, and the rest are links. Grids that are shown are copied into the folder `pictures/` of the report.
"""

import base64
import os
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd
from PIL import Image

from aesweep.analysis.data.evaluations import evaluations_of, scores_by_trial
from aesweep.analysis.data.scores import SCORES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import Curve
from aesweep.analysis.text.text_tables import format_score
from aesweep.sweep.store.beneath import Beneath, size_of_file

PICTURES = {
    "reconstruction-test.png": ("reconstruction_test", "Reconstructions (test)"),
    "standard_normal.png": ("standard_normal", "N(0, I)"),
    "mvg.png": ("mvg", "MVG"),
    "gmm.png": ("gmm", "GMM"),
    "interpolation.png": ("", "Interpolations (test)"),
    "memorisation.png": ("", "Samples above their nearest training images, most suspicious first"),
}
"""File -> the score that belongs to it ("" for none), and the column's head. Older stores lack the files without a score, or they
belong to a metric: their columns are left out if no trial has them."""
MOST_SHOWN = 24
"""Up to this many trials are all shown; above, `PER_GROUP` best and worst of each (data, model, filters)."""
PER_GROUP = 1
MOST_BYTES = 100_000_000
"""Total size of the pictures that are copied into a report; further rows become links."""
MOST_LINKS = 300
SIDE_KEY = "aesweep image side"
"""Text chunk of grids whose images have their own size; in grids of release 0.1.0 they are enlarged already."""
LEGIBLE_SIDE = 96
"""Pixels to which an image is enlarged on the page, and was in files of release 0.1.0, about."""
MOST_PIXELS = 64_000_000
"""Width times height of a grid; a larger one is not opened."""
NO_PICTURE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for a damaged PNG."""
PNG_BEGINNING = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Grid:
    """One picture: `source` is the path from the page to its copy in the report ("" if it is not shown), `link` what it links to."""

    source: str
    link: str
    caption: str


@dataclass(frozen=True)
class PictureRow:
    """The pictures of one trial by the head of their column; a missing file has none."""

    name: str
    label: str
    remark: str
    grids: dict[str, Grid]


@dataclass(frozen=True)
class Pictures:
    """What the page shows: rows of grids by data set, rows of links, and how many trials are in neither."""

    shown: dict[str, list[PictureRow]]
    linked: list[PictureRow]
    left_out: int
    chosen: bool  # whether the rows shown are a choice (best and worst) of all trials
    columns: list[str]  # heads of the grids of a row


def sample_pictures(tables: Tables, page_folder: Path, keep: Callable[[str, bytes], str]) -> Pictures:
    """Collect the grids of every scored trial; links are relative to `page_folder`.

    `keep` gets the name and the bytes of each grid that is shown, and returns the path from the page to it.
    """
    rows = _with_pictures(tables)
    shown = _shown(rows)
    found: dict[str, list[PictureRow]] = {}
    room = MOST_BYTES
    others = rows[~rows["key"].isin(shown["key"])].to_dict("records")
    for row in shown.to_dict("records"):
        pictures = _pictures_of(tables.root, row)
        size = sum(map(len, pictures.values()))
        if 0 < size <= room:
            room -= size
            kept = {name: keep(f"{row['key']}-{name}", png) for name, png in pictures.items()}
            found.setdefault(str(row["data"]), []).append(_picture_row(tables.root, row, page_folder, kept))
        else:
            others.append(row)
    linked = [_picture_row(tables.root, row, page_folder) for row in others[:MOST_LINKS]]
    linked = [row for row in linked if row.grids]
    held = {head for row in chain(linked, *found.values()) for head in row.grids}
    heads = [head for score, head in PICTURES.values() if score or head in held]
    return Pictures(found, linked, max(0, len(others) - MOST_LINKS), len(rows) > MOST_SHOWN, heads)


def shown_folders(tables: Tables) -> set[str]:
    """Folders (`trials.pictures`) of the grids that the page shows."""
    return {str(folder) for folder in _shown(_with_pictures(tables))["pictures"]}


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    return _best_and_worst(rows) if len(rows) > MOST_SHOWN else rows.assign(remark="")


def _with_pictures(tables: Tables) -> pd.DataFrame:
    """Described trials with pictures, `rank_value` (lower is better) and a caption per prior."""
    trials = tables.described
    trials = trials[trials["pictures"].fillna("none") != "none"]
    shown = evaluations_of(tables).shown
    nothing = pd.DataFrame(columns=list(SCORES), index=pd.Index([], dtype="str"), dtype="float64")
    scores = scores_by_trial(tables, shown[0]) if shown else nothing
    trials = trials.merge(scores, left_on="key", right_index=True, how="left")
    # One measure for all trials: distances of two priors, or a distance and a cross-entropy, cannot be ranked together.
    measure = next((name for name in ("gmm", "mvg", "test_bce") if trials[name].notna().any()), "test_bce")
    metric = shown[0].distance if shown else ""
    captions = {
        f"{name}_caption": (f"{metric} " + trials[name].map(format_score).astype("str")).where(trials[name].notna(), "")
        for name, _ in PICTURES.values()
        if name
    }
    return trials.assign(rank_value=trials[measure], **captions)


def _best_and_worst(rows: pd.DataFrame) -> pd.DataFrame:
    ranked = rows[rows["rank_value"].notna()].sort_values("rank_value", kind="stable")
    groups = ranked.groupby(["data", "model", "filters"])
    best, worst = groups.head(PER_GROUP).index, groups.tail(PER_GROUP).index
    shown = rows[rows.index.isin(best) | rows.index.isin(worst)]
    return shown.assign(remark=["best of its group" if i in best else "worst of its group" for i in shown.index])


def _picture_row(store: Path, row: dict[Hashable, Any], page: Path, kept: dict[str, str] | None = None) -> PictureRow:
    """The row's grids as links from the page's folder; with `kept` (file -> path of the copy) those, shown."""
    curve = Curve(str(row["model"]), int(row["filters"]), str(row["depth"]), str(row["variant"]))
    label = f"{curve.label}, {row['latent_size']:.0f} latent units, seed {row['seed']:.0f}"
    grids = {}
    for name, (score, head) in PICTURES.items():
        path = _file(store, str(row["pictures"]), name)
        if path and (kept is None or name in kept):
            link = kept[name] if kept else quote(os.fsencode(os.path.relpath(path, page)))
            grids[head] = Grid(kept[name] if kept else "", link, str(row.get(f"{score}_caption", "")))
    return PictureRow(str(row["name"]), label, str(row.get("remark", "")), grids)


def _pictures_of(store: Path, row: dict[Hashable, Any]) -> dict[str, bytes]:
    """The row's grids by file."""
    files = {name: picture_bytes(store, str(row["pictures"]), name) for name in PICTURES}
    return {name: png for name, png in files.items() if png}


def png_uri(png: bytes) -> str:
    """A picture as a data URI, for pages that contain it."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _file(store: Path, folder: str, name: str) -> Path | None:
    """The picture's path, None unless it is a file inside the store; no link is followed."""
    try:
        found = Beneath(store).status(f"{folder}/{name}")
    except (OSError, ValueError):  # ValueError: a name that leads out of the store, or that no file has
        return None
    return store / folder / name if size_of_file(found) else None


def picture_bytes(store: Path, folder: str, name: str) -> bytes | None:
    """The bytes of a PNG file of `folder` (`trials.pictures`); None where it is missing, outside the store, or no PNG."""
    try:
        data = Beneath(store).read(f"{folder}/{name}")
    except (OSError, ValueError):
        return None
    return data if data.startswith(PNG_BEGINNING) else None
