"""The five distances of Tables 2 and 3: their rows, what each depends on, and where that differs from the paper.

A distance of other numbers of images has another bias, so the numbers are shown with it, and so is what else decides it.
Rows are those of the scores table that hold one evaluation's distances, without nulls (whose counts are 0). What the
paper says concerns samples and reconstructed test images; on the reference of Train R it is silent.
"""

from collections.abc import Iterator

import pandas as pd

from aesweep.analysis.data.paper import SCORING

SOURCE_NAMES = {
    "reconstruction_train": "Train R",
    "reconstruction_test": "Test R",
    "standard_normal": "N(0, I)",
    "mvg": "MVG",
    "gmm": "GMM",
}
"""Name of a score (`score_names`) -> the paper's column head (Tables 2 and 3)."""
SCORES = tuple(SOURCE_NAMES)
SAMPLE_SCORES = ("standard_normal", "mvg", "gmm")
"""Those of samples, one per prior."""
PRIORS = ("mvg", "gmm")
"""Those of samples from a prior that was fitted."""
_WORDS = {"n": "samples", "n_reference": "real images", "reference_split": "reference split"}
_WORDS |= {"gmm_components": "components"}
_LATENTS = {"mean": "VAE priors fitted on means", "sample": "VAE priors fitted on samples"}


def score_names(rows: pd.DataFrame) -> pd.Series:
    """What each row of the scores table is a score of: its source, with the split where that is `reconstruction`."""
    return rows["source"].where(rows["source"] != "reconstruction", "reconstruction_" + rows["split"])


def by_score(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each name of `SCORES` with its rows of the scores table."""
    names = score_names(rows)
    return ((name, rows[names == name]) for name in SCORES)


def scoring_deviations(rows: pd.DataFrame) -> tuple[str, ...]:
    """Such as `samples 2,000 (paper: 10,000)`, of the samples, or of reconstructed test images where there are none."""
    samples = rows[rows["source"].isin(SAMPLE_SCORES)]
    if samples.empty:
        samples = rows[(rows["source"] == "reconstruction") & (rows["split"] == "test")]
    found = []
    for name, paper in SCORING.items():
        others = sorted(samples.loc[samples[name].notna() & (samples[name] != paper), name].unique())
        if others:
            found.append(f"{_WORDS[name]} {', '.join(map(_text, others))} (paper: {_text(paper)})")
    return tuple(found)


def setting_words(rows: pd.DataFrame) -> tuple[str, ...]:
    """What these scores depend on besides their images: `10 components`, `VAE priors fitted on means`, `gmm_tol 1e-05`."""
    components = sorted(rows["gmm_components"].dropna().astype(int).unique().tolist())
    found = [f"{count:,} component{'s' * (count != 1)}" for count in components]
    found += [words for kind, words in _LATENTS.items() if (rows["vae_latents"] == kind).any()]
    return (*found, *_changed(rows))


def _changed(rows: pd.DataFrame) -> list[str]:
    changed = rows.loc[rows["changed_settings"] != "none", "changed_settings"].dropna().str.split(", ")
    return changed.explode().unique().tolist()


def image_words(rows: pd.DataFrame) -> dict[str, str]:
    """Score -> `2,000 images against 297 real ones`, for every score that the rows have."""
    return {
        name: f"{_span(part['n'])} images against {_span(part['n_reference'])} real ones"
        for name, part in by_score(rows)
        if len(part)
    }


def compared(words: dict[str, str]) -> str:
    """Some of `image_words` in one line: once where all say the same, otherwise with the scores' names; "" for none."""
    names: dict[str, list[str]] = {}
    for score, text in words.items():
        names.setdefault(text, []).append(SOURCE_NAMES[score])
    if len(names) < 2:
        return "".join(names)
    return "; ".join(f"{', '.join(scores)}: {text}" for text, scores in names.items())


def _span(counts: pd.Series) -> str:
    low, high = counts.min(), counts.max()
    return f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"


def _text(value: object) -> str:
    return value if isinstance(value, str) else f"{value:,.0f}"
