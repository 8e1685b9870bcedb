"""The rows that scoring gives: what `evaluation` says of one trial, without the trial's key and the evaluation's id.

Each field is a column of the tables `scores` and `latents`; the text in its type is the column's meaning.
"""

from dataclasses import dataclass
from typing import Annotated, Any

from aesweep.evaluation.config import EvaluationConfig
from aesweep.models.data.datasets import Split
from aesweep.models.renamed import takes_old_names

Source = str
"""Where latents or images come from: `reconstruction`, the name of a prior, `latents` or `images`."""


@takes_old_names(seed="sampling_seed")
@dataclass(frozen=True, kw_only=True, slots=True)
class ScoreRow:
    """One score: a number, or the reason why there is none."""

    source: Annotated[
        Source,
        "reconstruction, a prior (standard_normal, mvg, gmm or another), latents (measures of the latents themselves), "
        "or images (of real images)",
    ]
    split: Annotated[
        Split, "split of the real images that the score compares with, or of the images behind the latents"
    ]
    metric: Annotated[
        str, "fid (hash-checked 2015 Inception network), fd (another extractor), or one of those described below"
    ]
    value: Annotated[float | None, "the score; null where it could not be computed, with the reason in note"]
    stderr: Annotated[
        float | None,
        "standard error: the standard deviation of the score if what stderr_of names were drawn again; null where not estimated",
    ] = None
    stderr_of: Annotated[
        str, 'what the standard error counts, see below; "none" without one, "unknown" for scores of older versions'
    ] = "unknown"
    stderr_shared: Annotated[
        str,
        "16 numbers, the part of stderr that scores with the same real images have in common, see below; empty without one",
    ] = ""
    extractor: Annotated[str, 'feature network; "none" for scores that use none'] = "none"
    n: Annotated[int, "images or latents scored"]
    n_reference: Annotated[int, "real images in the reference; 0 where there is none"] = 0
    reference_split: Annotated[Split, "split that the reference was drawn from"]
    sampling_seed: Annotated[int, "seed of the samples; for latents the evaluation's prior_seed"]
    gmm_components: Annotated[int | None, "components of the mixture; null for scores that do not depend on it"] = None
    """Set where one evaluation has several; else the tables take the evaluation's."""
    seconds: Annotated[float, "wall-clock seconds that the score took"] = 0.0
    note: Annotated[str, "the reason of a null value, or a remark; empty otherwise"] = ""

    @property
    def seed(self) -> int:
        """`sampling_seed` by its old name, until aesweep 0.3."""
        return self.sampling_seed


@dataclass(frozen=True, kw_only=True, slots=True)
class LatentRow:
    """Two latent dimensions of one image, for figures A.1 and A.2."""

    split: Annotated[Split, "train or test"]
    index: Annotated[int, "index of the image in its split"]
    dimension_a: Annotated[int, "first of two latent dimensions, drawn by the trial's seed"]
    dimension_b: Annotated[int, "the second"]
    z_a: Annotated[float, "value in dimension_a"]
    z_b: Annotated[float, "value in dimension_b"]


def joined(*notes: str) -> str:
    """Notes as one, without those that are empty."""
    return "; ".join(filter(None, notes))


def latent_score(evaluation: EvaluationConfig, metric: str, n: int, value: float | None, **others: Any) -> ScoreRow:
    """The row of one such score; `others` are fields of `ScoreRow`.

    Its source is the training latents unless it says otherwise, and its `sampling_seed` the evaluation's `prior_seed`.
    """
    row = {"source": "latents", "split": "train", "sampling_seed": evaluation.prior_seed, **others}
    return ScoreRow(metric=metric, n=n, value=value, reference_split=row["split"], **row)
