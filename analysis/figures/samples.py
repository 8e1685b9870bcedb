"""What the best networks of each width draw: samples and reconstructions, and walks between two test images.

Nobody picks pictures by hand: the trial is the one with the lowest distance, and the images are the first ones of its
stored grids. Which trial is best depends on the evaluation, so the file names hold it.
"""

import numpy as np
import pandas as pd

from aesweep.analysis.data.results import Results
from aesweep.analysis.data.tables import Tables
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.figures.grids import Cell, Row, grid_images, picture_page
from aesweep.analysis.figures.networks import spread
from aesweep.analysis.figures.style import Drawing, plain_style
from aesweep.analysis.pictures import PICTURES, picture_bytes
from aesweep.analysis.text.text_tables import format_score

SAMPLE_WIDTHS, WALK_WIDTHS = 6, 4
"""At most so many widths on a page, from the narrowest to the widest."""
INTERPOLATION = "interpolation.png"
_ACROSS, _DOWN, _WALKS = 4, 4, 3  # images of a cell; rows of walks
_PAGE_PIXELS = 1_100_000  # of the images before enlarging: keeps a page under 3 MB; above, cells are half as high
_RANKINGS = {"gmm": "GMM", "mvg": "MVG"}
_CHOICE = "Of each width the DAE and the VAE whose {} samples have the lowest distance, among the networks of depth 1."


@plain_style()
def sample_grids(tables: Tables, results: Results) -> Drawing | None:
    """A row for the best DAE and VAE of each width: reconstructions, and samples of each prior; None without pictures."""
    columns = {name: column for name, column in PICTURES.items() if column[0]}  # those that a score belongs to
    ranking, rows = _ranking(results), []
    for trial in _best_trials(results, ranking, SAMPLE_WIDTHS):
        words = {name: _score_words(results, trial, score) for name, (score, _) in columns.items()}
        rows.append(Row(_label(trial), tuple(Cell(_images(tables, trial, name), words[name]) for name in columns)))
    rows = _cropped(_with_pictures(rows))
    if not rows or ranking is None:
        return None
    title = f"{results.title}: reconstructions and samples of the best networks"
    heads = [head for _, head in columns.values()]
    figure = picture_page(title, heads, rows, 1.15, results.data_hash, results.notice)
    caption = (
        f"{_CHOICE.format(_RANKINGS[ranking])} The first images of each stored grid; for reconstructions a row "
        "of test images stands above a row of their reconstructions."
    )
    return Drawing(f"samples-{results.evaluation.slug}-{results.data}", title, caption, figure)


@plain_style()
def interpolations(tables: Tables, results: Results) -> Drawing | None:
    """Walks between pairs of test images by the best DAE and VAE of a few widths; None where none was stored."""
    ranking = _ranking(results)
    rows = []
    for trial in _best_trials(results, ranking, WALK_WIDTHS):
        words = "" if ranking is None else f"\n{_score_words(results, trial, ranking, f'{_RANKINGS[ranking]} ')}"
        rows.append(Row(_label(trial) + words, _walk_cells(_images(tables, trial, INTERPOLATION))))
    rows = _with_pictures(rows)
    if not rows or ranking is None:
        return None
    title = f"{results.title}: walks between two test images in latent space"
    heads = ["real A", "decoded, on the straight line from A to B", "real B"]
    figure = picture_page(title, heads, rows, 1.45, results.data_hash, results.notice)
    caption = (
        f"{_CHOICE.format(_RANKINGS[ranking])} First and last picture of a row are real; the nine between are "
        "decoded at equal steps from the latents of one to those of the other, ends included."
    )
    return Drawing(f"interpolations-{results.evaluation.slug}-{results.data}", title, caption, figure)


def shown_folders(results: Results) -> set[str]:
    """Folders (`trials.pictures`) of the grids that both pages are drawn from."""
    ranking = _ranking(results)
    trials = [t for widths in (SAMPLE_WIDTHS, WALK_WIDTHS) for t in _best_trials(results, ranking, widths)]
    return {str(trial["pictures"]) for trial in trials}


def _ranking(results: Results) -> str | None:
    """The score that says which trial is best: the GMM's distance, or the MVG's where there are no GMM samples."""
    return next((score for score in _RANKINGS if results.plain[score].notna().any()), None)


def _best_trials(results: Results, ranking: str | None, most_widths: int) -> list[pd.Series]:
    """Narrow before wide, DAE before VAE; trials without pictures are not asked."""
    rows = results.plain[results.plain["pictures"].fillna("none") != "none"]
    if ranking is None or rows.empty:
        return []
    rows = rows[rows[ranking].notna()].sort_values([ranking, "key"])
    widths = spread(sorted(rows["filters"].unique()), most_widths)
    best = rows[rows["filters"].isin(widths)].drop_duplicates(["filters", "model"])
    return [trial for _, trial in best.sort_values(["filters", "model"]).iterrows()]


def _images(tables: Tables, trial: pd.Series, name: str) -> np.ndarray | None:
    png = picture_bytes(tables.root, str(trial["pictures"]), name)
    return grid_images(png, int(trial["image_size"])) if png else None


def _walk_cells(images: np.ndarray | None) -> tuple[Cell, ...]:
    """The two real ends, separated from what is between them."""
    if images is None or images.shape[1] < 3:
        return (Cell(None),) * 3
    return tuple(Cell(part) for part in np.split(images[:_WALKS], [1, images.shape[1] - 1], axis=1))


def _score_words(results: Results, trial: pd.Series, score: str, prior: str = "") -> str:
    """Such as `FID 73.78`; "" without a score."""
    return f"{prior}{results.evaluation.distance} {format_score(trial[score])}" if pd.notna(trial[score]) else ""


def _label(trial: pd.Series) -> str:
    model = MODEL_NAMES.get(str(trial["model"]), str(trial["model"]))
    return f"{model}\n{trial['filters']:.0f} filters\n{trial['latent_size']:.0f} latent units\nseed {trial['seed']:.0f}"


def _with_pictures(rows: list[Row]) -> list[Row]:
    return [row for row in rows if any(cell.images is not None for cell in row.cells)]


def _cropped(rows: list[Row]) -> list[Row]:
    """The top left of each cell, `_DOWN` images high or half of it, as the page's size allows."""
    full = _of_height(rows, _DOWN)
    pixels = sum(cell.images[..., 0].size for row in full for cell in row.cells if cell.images is not None)
    return full if pixels <= _PAGE_PIXELS else _of_height(rows, _DOWN // 2)


def _of_height(rows: list[Row], down: int) -> list[Row]:
    def crop(cell: Cell) -> Cell:
        return cell if cell.images is None else cell._replace(images=cell.images[:down, :_ACROSS])

    return [Row(row.label, tuple(map(crop, row.cells))) for row in rows]
