"""Correlation and intrinsic dimension of each trial's latents, and the dimension of its images.

They depend on no extractor. Among several evaluations the one that is shown counts first, then those of `evaluation_order`.
"""

import pandas as pd

from aesweep.analysis.data.evaluations import by_trial, in_order, nothing_by_trial, of_first_evaluation
from aesweep.analysis.data.tables import Tables

EIGENVALUES = ("correlation_largest", "correlation_condition", "effective_rank")
"""Each with `<name>_stderr`, and `<name>_null` and `<name>_null_std`: simulated spherical Gaussians."""
DIMENSION = "intrinsic_dimension"
"""Dimension of the latents; `intrinsic_dimension_images` is that of the images. Both have a column `…_stderr`."""

_DIMENSIONS = (DIMENSION, f"{DIMENSION}_images")


def latent_measures_by_trial(tables: Tables) -> pd.DataFrame:
    """Index `key`; the columns of `EIGENVALUES` and `DIMENSION`, null where not measured."""
    every = tables.scores
    names = [DIMENSION, *EIGENVALUES, *(f"{name}_null" for name in EIGENVALUES)]
    rows = every[every["metric"].isin(names) & every["source"].isin(["latents", "images"])]
    if rows.empty:
        measured = [f"{name}{part}" for name in (*EIGENVALUES, *_DIMENSIONS) for part in ("", "_stderr")]
        return nothing_by_trial(
            [*measured, *(f"{name}{part}" for name in EIGENVALUES for part in ("_null", "_null_std"))]
        )
    rows = in_order(tables, rows)
    of_images = (rows["source"] == "images").map({True: "_images", False: ""})
    rows = rows.assign(column=(rows["metric"] + of_images).astype("str"))
    rows = rows.assign(measured=rows["column"].str.removesuffix("_null"))
    values, errors = by_trial(of_first_evaluation(rows, ["key", "measured"]), "column")
    frame = pd.DataFrame(index=values.index)
    for name in (*EIGENVALUES, *_DIMENSIONS):
        frame[name], frame[f"{name}_stderr"] = values.get(name), errors.get(name)
    for name in EIGENVALUES:
        frame[f"{name}_null"], frame[f"{name}_null_std"] = values.get(f"{name}_null"), errors.get(f"{name}_null")
    return frame.astype("float64").rename_axis("key")
