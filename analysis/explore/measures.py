"""Everything that is measured for a trial, one column each: scores, losses, times and sizes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from aesweep.analysis.data.evaluations import FID_EXTRACTOR, error_of_mean, evaluations_of
from aesweep.analysis.data.ranking import RANKED_BY
from aesweep.analysis.data.scores import SAMPLE_SCORES, SOURCE_NAMES, score_names, setting_words
from aesweep.analysis.data.tables import Tables
from aesweep.sweep.tables.schemas import BY_COMPONENTS, METRIC_ROWS

TRAINING = {
    "test_bce": ("Test cross-entropy (nats per value)", True),
    "final_loss": ("Final training loss", True),
    "final_reconstruction": ("Final reconstruction loss", True),
    "final_kl": ("Final KL divergence", None),
    "late_improvement": ("Late improvement", None),
    "train_seconds": ("Training time (s)", True),
    "gpu_seconds": ("GPU time (s)", True),
    "images_per_second": ("Images per second", False),
    "parameters_encoder": ("Parameters of the encoder", None),
    "parameters_decoder": ("Parameters of the decoder", None),
    "flops_per_image": ("Operations per image", None),
}
"""Column of `trials` -> its title, and whether lower is better (None: neither)."""
_OTHER_SOURCES = {"latents": "latents", "images": "images", "standard_normal": "N(0, I)"}
_SAME = ["metric", "scored", "extractor", "components"]
"""Scores that agree in these columns can share an axis if they are from the same evaluation."""


class Scored(NamedTuple):
    """What a score measures, and how."""

    metric: str
    source: str
    extractor: str
    components: float
    """Components of the mixture, if the trial has the metric for several numbers of them; otherwise -1."""
    evaluation: str


@dataclass(frozen=True, eq=False)
class Measure:
    """One number of each trial."""

    name: str
    title: str
    lower_is_better: bool | None
    values: pd.Series
    """Index `key`; the mean over sampling seeds where there are several."""
    errors: pd.Series
    """Index `key`: its standard error; null where none is estimated."""


def measures(tables: Tables) -> list[Measure]:
    """Every measure that some trial has: scores in the order of the metrics, then the results of training."""
    return [*_scores(tables), *_of_training(tables.trials)]


def unscored(tables: Tables) -> list[dict[str, str]]:
    """Scores that could not be computed: the trial, the score, and the reason."""
    rows = tables.scores[tables.scores["value"].isna()]
    words = (score_names(rows), rows["metric"], rows["note"].fillna(""))
    found = zip(rows["key"], *words, strict=True)
    return [{"key": k, "score": f"{metric_title(m)}, {_source(s)}", "note": n} for k, s, m, n in found]


def first_measure(tables: Tables, found: list[Measure]) -> str:
    """The name of the measure to show first: the distance that ranks networks, otherwise the reconstruction error; or ""."""
    names = [measure.name for measure in found]
    scores = (
        name
        for one in evaluations_of(tables).shown
        for source in RANKED_BY
        for name in names
        if name.startswith(f"{one.metric} {source} {one.extractor} ") and name.endswith(f" {one.id}")
    )
    return next(scores, "test_bce" if "test_bce" in names else "")


def metric_title(metric: str) -> str:
    """The metric's column head in the report."""
    return METRIC_ROWS[metric].title if metric in METRIC_ROWS else metric.replace("_", " ")


def _scores(tables: Tables) -> Iterator[Measure]:
    rows = tables.scores[np.isfinite(tables.scores["value"].astype("float64"))]
    components = rows["gmm_components"].where(rows["metric"].isin(BY_COMPONENTS), -1.0).fillna(-1.0)
    rows = rows.assign(scored=score_names(rows), components=components)
    counts = rows.groupby(_SAME)["evaluation"].nunique()
    several = set(counts[counts > 1].index)
    groups: Any = rows.groupby([*_SAME, "evaluation"], sort=False)  # whose keys are tuples
    found = [(Scored(*key), part) for key, part in groups]
    for one, part in sorted(found, key=lambda pair: _place(pair[0])):
        words = [f"{metric_title(one.metric)}, {_source(one.source)}"]
        words += [f"{one.components:.0f} components"] if one.components >= 0 else []
        words += [one.extractor] if one.extractor not in ("none", FID_EXTRACTOR) else []
        if one[:4] in several:
            words.append(f"{one.evaluation} ({', '.join(setting_words(part))})".removesuffix(" ()"))
        row = METRIC_ROWS.get(one.metric)
        yield Measure(
            name=" ".join(map(str, one)),
            title=" · ".join(words),
            lower_is_better=row.lower_is_better if row else None,
            values=part.groupby("key")["value"].mean(),
            errors=error_of_mean(part, ["key"]),
        )


def _place(one: Scored) -> tuple[int, str, int, str]:
    """Sorts scores by metric, network and source."""
    metrics, sources = list(METRIC_ROWS), list(RANKED_BY)
    metric = metrics.index(one.metric) if one.metric in metrics else len(metrics)
    source = sources.index(one.source) if one.source in sources else len(sources)
    return metric, one.extractor, source, " ".join(map(str, one))


def _source(name: str) -> str:
    if name in SAMPLE_SCORES:
        return f"{SOURCE_NAMES[name]} samples"
    if name.startswith("reconstruction_"):
        return f"reconstructions ({name.removeprefix('reconstruction_')})"
    return _OTHER_SOURCES.get(name, f"{name} samples")


def _of_training(trials: pd.DataFrame) -> Iterator[Measure]:
    by_key = trials.set_index("key")
    for name, (title, lower) in TRAINING.items():
        values = by_key[name].astype("float64")
        values = values[np.isfinite(values)]
        if len(values):
            yield Measure(name, title, lower, values, pd.Series(np.nan, index=values.index))
