"""What a file of your own claims imports (docs/claims.md). These names stay; the modules behind them may change.

from aesweep.claims import Results, Verdict, at_comparison_size, claim, lower, plain, together
"""

from functools import partial

from aesweep.analysis.claims import verdicts
from aesweep.analysis.claims.comparisons import at_comparison_size, near, plain, widths_with_both
from aesweep.analysis.claims.latent_sizes import better_at_best, falls_with_size, has_minimum
from aesweep.analysis.claims.verdicts import Finding, Interval, Verdict, decided, holds, left_open, lower, together
from aesweep.analysis.data.results import Results
from aesweep.analysis.statistics import Sample

__all__ = [
    "Finding",
    "Interval",
    "Results",
    "Sample",
    "Verdict",
    "at_comparison_size",
    "better_at_best",
    "claim",
    "decided",
    "falls_with_size",
    "has_minimum",
    "holds",
    "left_open",
    "lower",
    "near",
    "plain",
    "together",
    "widths_with_both",
]

claim = partial(verdicts.claim, verdicts.YOURS)
"""`@claim("your sentence", *data sets, threshold="")` makes a function a claim: the paper's decorator, with its section set."""
