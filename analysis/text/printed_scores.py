"""The scores that the paper prints in its text and in no table, next to ours."""

import math

import numpy as np
import pandas as pd

from aesweep.analysis.data.published import published_scores
from aesweep.analysis.data.results import Results
from aesweep.analysis.data.scores import SOURCE_NAMES
from aesweep.analysis.data.trials import MODEL_NAMES
from aesweep.analysis.statistics import Sample, contrast
from aesweep.analysis.text.paper_tables import decimals
from aesweep.analysis.text.text_tables import MISSING, Heading, TextTable
from aesweep.analysis.thresholds import NOMINAL_SPREAD

_HEADINGS = {
    "network": Heading("Network"),
    "score_name": Heading("Score"),
    "printed": Heading("Paper", "number"),
    "ours": Heading("Ours", "number"),
    "difference": Heading("Difference", "number"),
    "seeds": Heading("Seeds", "whole"),
}


def printed_in_the_text(results: Results) -> TextTable | None:
    """77.10 and 67.32 (Section 4) next to our means; None if there are no printed numbers, or none that ours may be compared with."""
    rows = published_scores("text")
    rows = rows[(rows["data"] == results.data) & results.beside_published]
    if rows.empty:
        return None
    frame = pd.DataFrame([_line(results, row) for _, row in rows.iterrows()])
    caption = (
        "Ours: mean ± standard deviation over training seeds. Difference: ours minus paper ± half of a 95 % interval, with a "
        f"spread over seeds of {NOMINAL_SPREAD:.1%} assumed for the printed score."
    )
    caption = " ".join(filter(None, [caption, f"{results.notice}." if results.notice else "", results.aside_notice]))
    title = f"{results.title}: scores printed in the text"
    slug = f"text-scores-{results.evaluation.slug}-{results.data}"
    return TextTable(slug, title, caption, _HEADINGS, frame, results.data_hash)


def _line(results: Results, row: pd.Series) -> dict[str, object]:
    network = {name: row[name] for name in ("model", "filters", "depth", "network")}
    ours = results.scores(row["column"], row["latent_size"], **network)
    places, value = decimals(row["printed"]), float(row["value"])
    depth = row["depth"].replace("-", ",")
    words = f"{MODEL_NAMES[row['model']]}, {row['filters']:.0f} filters, depths [{depth}], {row['latent_size']:.0f} latent units"
    line = {"network": words, "score_name": SOURCE_NAMES[row["column"]], "printed": row["printed"]}
    line |= {"ours": MISSING, "difference": MISSING, "seeds": len(ours), "published": value, "mean": math.nan}
    if not ours.known:
        return line
    found = contrast((1.0, ours), (-1.0, Sample(np.array([value]), NOMINAL_SPREAD * value)))
    spread = "" if len(ours) < 2 else f" ± {float(np.std(ours.values, ddof=1)):.{places}f}"
    interval = "" if math.isnan(found.half_width) else f" ± {found.half_width:.{places}f}"
    line |= {"ours": f"{ours.mean:.{places}f}{spread}", "mean": ours.mean}
    return line | {"difference": f"{found.value:+.{places}f}{interval}"}
