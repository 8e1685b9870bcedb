"""The sample grids that a store holds beside its tables, as rows of the page.

`trials.pictures` names a folder under the store. The name comes from a data file, so it is followed only inside the
store and only to PNG files. With few trials the page holds every grid; with many it holds the best and the worst of
each group, and the rest are links: a page of two thousand embedded grids would open nowhere.
"""

import base64
import io
import os
from collections.abc import Hashable
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
MOST_EMBEDDED = 24
"""Up to this many trials are all shown; above, `PER_GROUP` best and worst of each (data, model, filters)."""
PER_GROUP = 1
MOST_BYTES = 24_000_000
"""PNG bytes that a page may hold; further rows become links."""
MOST_LINKS = 300
SIDE_KEY = "aesweep image side"
"""Text chunk of grids whose images have their own size; in grids of release 0.1.0 they are enlarged already."""
LEGIBLE_SIDE = 96
"""Pixels to which an image is enlarged on the page, and was in files of release 0.1.0, about."""
MOST_PIXELS = 64_000_000
"""Width times height of a grid; a larger one is not opened."""
NO_PICTURE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
"""What Pillow raises for a damaged PNG."""
_PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Grid:
    """One picture: a data URI where it is embedded, else "", and the path from the page to its file."""

    data_uri: str
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
    """What the page shows: rows with embedded grids by data set, rows of links, and how many trials are in neither."""

    embedded: dict[str, list[PictureRow]]
    linked: list[PictureRow]
    left_out: int
    chosen: bool  # whether the embedded rows are a choice (best and worst) of all trials
    columns: list[str]  # heads of the grids of a row


def sample_pictures(tables: Tables, page_folder: Path) -> Pictures:
    """Collect the grids of every scored trial; links are relative to `page_folder`."""
    rows = _with_pictures(tables)
    shown = _shown(rows)
    embedded: dict[str, list[PictureRow]] = {}
    room = MOST_BYTES
    others = rows[~rows["key"].isin(shown["key"])].to_dict("records")
    for row in shown.to_dict("records"):
        pictures = _pictures_of(tables.root, row)
        size = sum(map(len, pictures.values()))
        if 0 < size <= room:
            room -= size
            embedded.setdefault(str(row["data"]), []).append(_picture_row(tables.root, row, page_folder, pictures))
        else:
            others.append(row)
    linked = [_picture_row(tables.root, row, page_folder) for row in others[:MOST_LINKS]]
    linked = [row for row in linked if row.grids]
    found = {head for row in chain(linked, *embedded.values()) for head in row.grids}
    heads = [head for score, head in PICTURES.values() if score or head in found]
    return Pictures(embedded, linked, max(0, len(others) - MOST_LINKS), len(rows) > MOST_EMBEDDED, heads)


def shown_folders(tables: Tables) -> set[str]:
    """Folders (`trials.pictures`) of the grids that the page embeds."""
    return {str(folder) for folder in _shown(_with_pictures(tables))["pictures"]}


def _shown(rows: pd.DataFrame) -> pd.DataFrame:
    return _best_and_worst(rows) if len(rows) > MOST_EMBEDDED else rows.assign(remark="")


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
    metric = ("FID" if shown[0].is_fid else shown[0].metric) if shown else ""
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


def _picture_row(
    store: Path, row: dict[Hashable, Any], page: Path, pictures: dict[str, bytes] | None = None
) -> PictureRow:
    """The row's grids as links from the page's folder; with `pictures` (file -> PNG) those, embedded."""
    curve = Curve(str(row["model"]), int(row["filters"]), str(row["depth"]), str(row["variant"]))
    label = f"{curve.label}, {row['latent_size']:.0f} latent units, seed {row['seed']:.0f}"
    grids = {}
    for name, (score, head) in PICTURES.items():
        path = _file(store, str(row["pictures"]), name)
        if path and (pictures is None or name in pictures):
            uri = png_uri(pictures[name]) if pictures else ""
            link = quote(os.fsencode(os.path.relpath(path, page)))
            grids[head] = Grid(uri, link, str(row.get(f"{score}_caption", "")))
    return PictureRow(str(row["name"]), label, str(row.get("remark", "")), grids)


def _pictures_of(store: Path, row: dict[Hashable, Any]) -> dict[str, bytes]:
    """The row's grids as the page shows them, by file."""
    files = {name: picture_bytes(store, str(row["pictures"]), name) for name in PICTURES}
    return {name: enlarged(png) for name, png in files.items() if png}


def png_uri(png: bytes) -> str:
    """A picture as a page holds it."""
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
    return data if data.startswith(_PNG) else None


def enlarged(png: bytes) -> bytes:
    """A stored grid as the page shows it: about `LEGIBLE_SIDE` pixels per image, by repeating pixels.

    Grids of release 0.1.0 are enlarged already and stay as they are, and so does what is no such grid.
    """
    try:
        with Image.open(io.BytesIO(png), formats=("PNG",)) as picture:
            scale = max(1, round(LEGIBLE_SIDE / int(picture.info[SIDE_KEY])))
            width, height = picture.width * scale, picture.height * scale
            if width * height > MOST_PIXELS:
                return png
            buffer = io.BytesIO()
            picture.resize((width, height), Image.Resampling.NEAREST).save(buffer, format="PNG")
            return buffer.getvalue()
    except (KeyError, ZeroDivisionError, *NO_PICTURE):
        return png
