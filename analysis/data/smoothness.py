"""How smooth and how interpolatable each trial's latent space is (hypothesis 1), from the rows of `evaluation/smoothness/`.

Of all measures those that a DAE and a VAE can be compared by: the scale of a DAE's latents is arbitrary, so a measure that
changes with it, such as the norm of the decoder's Jacobian alone, compares nothing. Low values are smooth.
"""

from dataclasses import dataclass

import pandas as pd

from aesweep.analysis.data.evaluations import FRECHET, KERNEL, Evaluation, by_trial, in_order, nothing_by_trial
from aesweep.analysis.data.tables import Tables

PLACES = {"reconstruction": "test images", "mvg": "MVG samples"}
"""Source of the latents in the scores table -> in words."""


@dataclass(frozen=True)
class Measure:
    """One measure: the heading of its panel, its axis, and its name in a sentence."""

    title: str
    axis: str
    words: str


MEASURES = {
    "path_stretch": Measure(
        "Walks between two latents", "length of the walk in feature\nspace / distance of its ends", "stretch of walks"
    ),
    "straight": Measure("Straight midpoints of two latents", "distance from real images", "straight midpoints"),
    "spherical": Measure("Spherical midpoints of two latents", "distance from real images", "spherical midpoints"),
    "decoder_frobenius_scaled": Measure(
        "Decoder", "change of the picture per standard\ndeviation of the latents, ‖JΣ½‖F", "decoder ‖JΣ½‖F"
    ),
    "lipschitz": Measure(
        "Encoder and decoder together", "product of their local\nLipschitz estimates", "Lipschitz product"
    ),
}
"""In the order in which they are shown. `lipschitz` is the product of two rows, at test images only."""
_WAYS = ("straight", "spherical")
_IMAGES = (
    "extractor", "extractor_sha256", "samples", "reference_split", "reference_size", "reference_seed", "sampling_seeds",
    "vae_latents",
)  # fmt: skip
"""Settings of an evaluation that decide which images its distances compare."""
_FACTORS = ("encoder_lipschitz", "decoder_lipschitz")
COLUMNS = {
    f"{measure}_{place}": f"{MEASURES[measure].words}, {words}"
    for place, words in PLACES.items()
    for measure in MEASURES
    if (measure, place) != ("lipschitz", "mvg")
}
"""Column of `Results.trials` -> its measure and place in words."""


def smoothness_by_trial(tables: Tables, evaluation: Evaluation) -> pd.DataFrame:
    """Index `key`; `COLUMNS`, null where not measured, and `<column>_stderr`.

    Distances of midpoints depend on the number of images, so they come from this evaluation or from one that compares as many:
    kernel distances if this one has kernel distances, otherwise Fréchet distances. The other measures are means over points. If
    this evaluation lacks one, it comes from any other with the same features.
    """
    names = {name: name for name in ("path_stretch", "decoder_frobenius_scaled", *_FACTORS)}
    distances = KERNEL if evaluation.metric in KERNEL else FRECHET
    names |= {f"{distance}_{way}": way for distance in distances for way in _WAYS}
    rows = tables.scores[tables.scores["metric"].isin(names) & tables.scores["source"].isin(PLACES)]
    if rows.empty:
        return nothing_by_trial([*COLUMNS, *(f"{name}_stderr" for name in COLUMNS)])
    rows = in_order(tables, rows)
    rows = rows.assign(measure=rows["metric"].map(names), own=rows["evaluation"] == evaluation.id)
    alike = rows["evaluation"].isin(_of_the_same_images(tables, evaluation))
    rows = rows[alike | ~rows["measure"].isin(_WAYS)]
    rows = rows[rows["extractor"].isin(["none", _extractor(rows, evaluation)])]
    rows = rows.sort_values("own", ascending=False, kind="stable")
    values, errors = by_trial(rows.assign(column=rows["measure"] + "_" + rows["source"]), "column")
    first, second = (f"{name}_reconstruction" for name in _FACTORS)
    if {first, second} <= set(values):
        product = values[first] * values[second]
        relative = ((errors[first] / values[first]) ** 2 + (errors[second] / values[second]) ** 2) ** 0.5
        values["lipschitz_reconstruction"], errors["lipschitz_reconstruction"] = product, product * relative
    found = {name: values.get(name) for name in COLUMNS} | {f"{name}_stderr": errors.get(name) for name in COLUMNS}
    return pd.DataFrame(found, index=values.index).astype("float64").rename_axis("key")


def _of_the_same_images(tables: Tables, evaluation: Evaluation) -> list[str]:
    """This evaluation, and those of metrics asked for later that have the same features, seeds and numbers of images."""
    settings = tables.evaluations.set_index("evaluation")[list(_IMAGES)]
    if evaluation.id not in settings.index:  # in tables of aesweep 0.1
        return [evaluation.id]
    same = (settings == settings.loc[evaluation.id]).all(axis=1)
    return [evaluation.id, *map(str, settings.index[same])]


def _extractor(rows: pd.DataFrame, evaluation: Evaluation) -> str:
    """Whose features count: the evaluation's, or without distances those of the first evaluation that has some."""
    others = rows.loc[rows["extractor"] != "none", "extractor"]
    return str(others.iloc[0]) if evaluation.extractor == "none" and len(others) else evaluation.extractor
