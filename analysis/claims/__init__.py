"""Every sentence of the paper that numbers can check, as a function named after it.

A claim takes the `Results` of one data set under one way of scoring and returns a `Verdict`. The published numbers go
through the same functions (`published.published_tables`). Scores are compared within one data set and extractor only,
so the claims hold for any extractor; those that name a rival's printed value need FID. A file holds a part of the paper,
and its claims in a tuple; a new claim is a function there and a line in that tuple.
"""

from aesweep.analysis.claims import dae_against_vae, discussion, hypotheses, variants
from aesweep.analysis.claims.verdicts import Claim

CLAIMS: tuple[Claim, ...] = (*hypotheses.CLAIMS, *dae_against_vae.CLAIMS, *variants.CLAIMS, *discussion.CLAIMS)
"""In the order of the paper."""
