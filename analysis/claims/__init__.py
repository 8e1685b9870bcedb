"""Every sentence of the paper that numbers can check, as a function named after it.

A claim takes the `Results` of one data set under one way of scoring and returns a `Verdict`. The published numbers go
through the same functions (`published.published_tables`). Scores are compared within one data set and extractor only,
so the claims hold for any extractor; those that name a rival's printed value need FID. A file holds a part of the paper
and its claims in the paper's order; a new claim is a function there.
"""

from aesweep.analysis.claims import (
    dae_against_vae,
    data_sets,
    depth,
    discussion,
    hypotheses,
    latent_norms,
    latent_space,
    network_size,
    readings,
    rivals,
    smoothness,
    variants,
)
from aesweep.analysis.claims.verdicts import Claim

_PARTS = (
    smoothness,
    hypotheses,
    dae_against_vae,
    data_sets,
    variants,
    latent_norms,
    depth,
    discussion,
    latent_space,
    network_size,
    rivals,
    readings,
)
CLAIMS = tuple(found for part in _PARTS for found in vars(part).values() if isinstance(found, Claim))
"""By file, in each in the order of the paper."""
