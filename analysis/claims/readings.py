"""Readings of the paper that the sentences on VAEs depend on, and a check of whether these data bear them out."""

import pandas as pd

from aesweep.analysis.claims.comparisons import NetworkColumns, plain_networks
from aesweep.analysis.claims.verdicts import (
    ONE_SEED,
    OURS,
    Finding,
    Verdict,
    circular,
    claim,
    decided,
    drawn,
    every,
    left_open,
    together,
)
from aesweep.analysis.data.results import Results
from aesweep.analysis.statistics import Sample, contrast, within
from aesweep.analysis.text.text_tables import counted, format_score
from aesweep.analysis.thresholds import ACCEPTED_GAP, ACCEPTED_SHARE


@claim(
    OURS,
    "The objective of VAEs is read as in the paper: as in every row of its tables, N(0, I) and MVG hardly differ for a VAE.",
)
def the_objective_of_vaes_is_the_papers(results: Results) -> Verdict:
    """N(0, I) minus MVG (paired) of every plain VAE is at most 3.0 in FID, or 6.3 % of MVG under another distance."""
    return together(_same_prior(results, network) for network in plain_networks(results) if network["model"] == "vae")


def _same_prior(results: Results, network: NetworkColumns) -> Finding:
    """Whether N(0, I) and MVG hardly differ for one width, at every latent size."""
    rows = results.of(**network).dropna(subset=["standard_normal", "mvg"])
    where = f"{network['filters']:.0f} filters, N(0, I) − MVG"
    if rows.empty:
        return left_open(f"{where}: no score")
    gaps = rows["standard_normal"] - rows["mvg"]
    allowed = f"{ACCEPTED_GAP:g}" if results.evaluation.is_fid else f"{ACCEPTED_SHARE:.1%} of MVG"
    parts = [_at_size(results, group) for _, group in rows.groupby("latent_size")]
    span = f"{format_score(gaps.min())} to {format_score(gaps.max())}"
    words = f"{where}: {span} at {counted(len(parts), 'latent size')}, allowed {allowed}"
    seeds = int(rows.groupby("latent_size")["seed"].nunique().min())
    return circular(words) if results.printed else every(parts, words, ONE_SEED if seeds == 1 else "not settled")


def _at_size(results: Results, rows: pd.DataFrame) -> Finding:
    gap = Sample((rows["standard_normal"] - rows["mvg"]).to_numpy(dtype=float))
    if not gap.known:
        return left_open("not finite")
    margin = ACCEPTED_GAP if results.evaluation.is_fid else ACCEPTED_SHARE * abs(float(rows["mvg"].mean()))
    return decided("", *within(gap, margin), "", *drawn(contrast((1.0, gap)), margin))
