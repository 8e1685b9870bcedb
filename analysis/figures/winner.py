"""What the network with the lowest mean score draws, next to real images: the picture of the report's first screen."""

import numpy as np

from aesweep.analysis.axes.sweep import Sweep
from aesweep.analysis.data.scores import SOURCE_NAMES
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.figures.grids import Cell, Row, grid_images, picture_page
from aesweep.analysis.figures.style import Drawing, plain_style
from aesweep.analysis.pictures import PICTURES, picture_bytes
from aesweep.analysis.text.answers import network_name
from aesweep.analysis.text.text_tables import format_score

_RECONSTRUCTIONS = "reconstruction-test.png"  # rows of real images, each above a row of their reconstructions
_ACROSS, _DOWN = 6, 4


@plain_style()
def winner(tables: Tables, sweep: Sweep) -> Drawing | None:
    """Real test images, their reconstructions and samples, of the seed nearest to the mean; None without pictures."""
    found = _trial(sweep)
    if found is None:
        return None
    folder, side, seed, value = found
    pairs = picture_bytes(tables.root, folder, _RECONSTRUCTIONS)
    images = grid_images(pairs, side) if pairs else None
    cells: dict[str, np.ndarray | None] = {}
    if images is not None and len(images) > 1:
        cells = {"real images": images[0::2], "reconstructed": images[1::2]}
    for name, (score, head) in PICTURES.items():
        png = picture_bytes(tables.root, folder, name) if score == sweep.ranking.score else None
        if png and name != _RECONSTRUCTIONS:
            cells[f"{head} samples"] = grid_images(png, side)
    shown = {head: images[:_DOWN, :_ACROSS] for head, images in cells.items() if images is not None}
    if not shown:
        return None
    title = f"{sweep.title}: {network_name(sweep.ranking)}"
    row = Row("", tuple(Cell(images) for images in shown.values()))
    figure = picture_page(title, list(shown), [row], 0.0, tables.data_hash, sweep.evaluation.notice)
    caption = (
        f"The first images of the stored grids of seed {seed}, whose {SOURCE_NAMES[sweep.ranking.score]} score "
        f"({format_score(value)}) is the nearest to the mean of this network."
    )
    return Drawing(f"winner-{sweep.data}", title, caption, figure)


def winner_folder(sweep: Sweep) -> set[str]:
    """Folder (`trials.pictures`) of the grids that `winner` is drawn from; empty without pictures."""
    found = _trial(sweep)
    return {found[0]} if found else set()


def _trial(sweep: Sweep) -> tuple[str, int, int, float] | None:
    """Pictures, image side, seed and score of the seed whose score is nearest to the mean; None without pictures."""
    rows, score = sweep.winner, sweep.ranking.score
    rows = rows[rows["pictures"].fillna("none") != "none"]
    if rows.empty:
        return None
    nearest = rows.loc[(rows[score] - sweep.ranking.best.value).abs().sort_values(kind="stable").index[0]]
    return str(nearest["pictures"]), int(nearest["image_size"]), int(nearest["seed"]), float(nearest[score])
