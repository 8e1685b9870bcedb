"""How many images a distance compares, and where that differs from the paper: distances of other counts are biased otherwise.

Rows are those of the scores table that hold one evaluation's distances. What the paper says concerns samples and
reconstructed test images; on the reference of Train R it is silent.
"""

import pandas as pd

from analysis.paper import SCORING

SAMPLE_SOURCES = ("standard_normal", "mvg", "gmm")
_WORDS = {"n": "samples", "n_reference": "real images", "reference_split": "reference split"}


def scoring_deviations(rows: pd.DataFrame) -> tuple[str, ...]:
    """Such as `samples 2,000 (paper: 10,000)`, of the samples, or of reconstructed test images where there are none."""
    samples = rows[rows["source"].isin(SAMPLE_SOURCES)]
    if samples.empty:
        samples = rows[(rows["source"] == "reconstruction") & (rows["split"] == "test")]
    found = []
    for name, paper in SCORING.items():
        others = sorted(samples.loc[samples[name].notna() & (samples[name] != paper), name].unique())
        if others:
            found.append(f"{_WORDS[name]} {', '.join(map(_text, others))} (paper: {_text(paper)})")
    return tuple(found)


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}"
